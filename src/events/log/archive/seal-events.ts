import { sealEvents, type SealEvent } from '../../seals.ts'
import { readStored, type StoredEvent } from '../stored-event.ts'
import type { RecordedEvent } from '../../event.ts'

export const sealTypes: readonly string[] = Object.keys(sealEvents)

/** A seal or a sealing key, if that is what an event is. */
export function sealEventOf(event: StoredEvent): RecordedEvent<SealEvent> | null {
  return sealTypes.includes(event.type) ? (readStored(event) as RecordedEvent<SealEvent>) : null
}
