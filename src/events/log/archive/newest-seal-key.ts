import type { SealEvent } from '../../seals.ts'
import type { StoredLog } from '../read/stored-log.ts'
import type { Archive } from './archive.ts'
import { sealEventOf } from './seal-events.ts'

const types: SealEvent['type'][] = ['SealingKeyIntroduced']

/** The newest sealing key of the log, archived or not; null if the log was never sealed. */
export async function newestSealKey(
  archive: Pick<Archive, 'checkpoint' | 'read'>,
  log: Pick<StoredLog, 'readStored'>,
): Promise<Extract<SealEvent, { type: 'SealingKeyIntroduced' }>['data'] | null> {
  const checkpoint = await archive.checkpoint()
  let newest = null
  for await (const [event] of archive.read({ types, direction: 'backward', limit: 1 })) newest = event
  for await (const events of log.readStored({ types, ...(checkpoint && { after: checkpoint.position }) }))
    newest = events.at(-1) ?? newest
  const introduced = newest && sealEventOf(newest)
  return introduced?.type === 'SealingKeyIntroduced' ? introduced.data : null
}
