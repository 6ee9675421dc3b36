import { hash } from 'node:crypto'
import type { SealEvent } from '../../seals.ts'
import type { LogIdentity } from '../archive/chain.ts'
import { isGenuineIntroduction } from '../archive/seal-key.ts'

/** The sealing keys of a log, each introduced by the one before it, the first by itself. */
export type KeyChain = {
  /** Adds a key to the chain; returns the problem with its introduction, or null. */
  introduce: (introduction: Extract<SealEvent, { type: 'SealingKeyIntroduced' }>['data']) => string | null
  publicKeyOf: (keyId: string) => string | undefined
  newest: () => string | null
  /** Whether a key is the given one or leads back to it. */
  isTrusted: (keyId: string) => boolean
  ids: () => Iterable<string>
}

/** `given`: a public key from outside (in the form of `SealingKey`), which needs no introduction. */
export function keyChain(identity: LogIdentity, given: string | null): KeyChain {
  const publicKeys = new Map<string, string>()
  const trusted = new Set<string>()
  let newest: string | null = null
  if (given !== null) {
    const id = keyIdOf(given)
    trusted.add(id)
    publicKeys.set(id, given)
  }
  return {
    introduce(introduction) {
      const { keyId, publicKey, by } = introduction
      if (by === null && newest !== null)
        return `the sealing key ${keyId} introduces itself, though the log has been sealed under ${newest}`
      if (by !== null && newest !== null && by !== newest)
        return `the sealing key ${keyId} was introduced by ${by}, but the one before it is ${newest}`
      const byKey = by === null ? null : publicKeys.get(by)
      if (byKey === undefined) return `the sealing key ${keyId} was introduced by ${by}, which was never introduced`
      if (!isGenuineIntroduction(identity, introduction, byKey))
        return `the introduction of the sealing key ${keyId} is not signed by ${by ?? 'itself'}`
      publicKeys.set(keyId, publicKey)
      if (by !== null && trusted.has(by)) trusted.add(keyId)
      newest = keyId
      return null
    },
    publicKeyOf: (keyId) => publicKeys.get(keyId),
    newest: () => newest,
    isTrusted: (keyId) => trusted.has(keyId),
    ids: () => publicKeys.keys(),
  }
}

const keyIdOf = (publicKey: string): string => hash('sha256', Buffer.from(publicKey, 'base64url'), 'hex').slice(0, 16)
