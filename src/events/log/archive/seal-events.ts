import type { RecordedEvent } from '../../event.ts'
import { isSealEvent, sealEvents, type SealEvent } from '../../seals.ts'
import { readStored, type StoredEvent } from '../read/stored-event.ts'

export const sealTypes: readonly string[] = Object.keys(sealEvents)

/** The seal or sealing key that a stored event holds; null for any other event. */
export function sealEventOf(event: StoredEvent): RecordedEvent<SealEvent> | null {
  if (!sealTypes.includes(event.type)) return null
  const recorded = readStored(event)
  return isSealEvent(recorded) ? recorded : null
}
