import { sealEvents, type SealEvent } from '../../seals.ts'
import { readStored, type StoredEvent } from '../read/stored-event.ts'
import type { RecordedEvent } from '../../event.ts'

export const sealTypes: readonly string[] = Object.keys(sealEvents)

/** A seal or a sealing key, if that is what an event is. */
export const sealEventOf = (event: StoredEvent): RecordedEvent<SealEvent> | null =>
  sealTypes.includes(event.type) ? sealIn(readStored(event)) : null

/** The same of an event that was read already. */
export const sealIn = (event: RecordedEvent): RecordedEvent<SealEvent> | null => (isSeal(event) ? event : null)

/** Data was checked against the catalogue when it was read. */
const isSeal = (event: RecordedEvent): event is RecordedEvent<SealEvent> => sealTypes.includes(event.type)
