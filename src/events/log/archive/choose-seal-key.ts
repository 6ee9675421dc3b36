import type { SealEvent } from '../../seals.ts'
import type { LogIdentity } from './chain.ts'
import { ArchiveStopped } from './archive-stopped.ts'
import { introduced, type SealKey } from './seal-key.ts'

type Introduction = Extract<SealEvent, { type: 'SealingKeyIntroduced' }>['data']

export type SealKeyChoice = {
  /** The newest sealing key of the log; null before the first. */
  newest: Introduction | null
  /** The key of SEAL_KEY_FILE; null if there is none yet. */
  key: SealKey | null
  /** The key of SEAL_PREVIOUS_KEY_FILE. */
  previous: SealKey | null
  make: () => SealKey
  /** The path of the key file, for the message. */
  keyFile: string
}

/**
 * Chooses the sealing key, with its introduction if the log does not have it yet. Throws ArchiveStopped if the log has seals but their
 * key is missing (creating a new one would allow resealing the log), or if the present key is not signed by it.
 */
export function chooseSealKey(
  identity: LogIdentity,
  { newest, key, previous, make, keyFile }: SealKeyChoice,
): { key: SealKey; introduction: Introduction | null } {
  if (!newest) {
    const first = key ?? make()
    return { key: first, introduction: introduced(first, identity, null) }
  }
  if (key?.keyId === newest.keyId) return { key, introduction: null }
  const whatToDo = `put the key back into ${keyFile}, the same one for every archiver, or let a new one be signed by it: give the old one once as SEAL_PREVIOUS_KEY_FILE`
  if (previous?.keyId === newest.keyId) {
    const next = key ?? make()
    return { key: next, introduction: introduced(next, identity, previous) }
  }
  if (!key)
    throw new ArchiveStopped(
      'seal_key_missing',
      `this log is sealed under the key ${newest.keyId}, and there is no key in ${keyFile}; ${whatToDo}`,
    )
  throw new ArchiveStopped(
    'seal_key_unknown',
    `this log is sealed under the key ${newest.keyId}, but ${keyFile} holds ${key.keyId}; ${whatToDo}`,
  )
}
