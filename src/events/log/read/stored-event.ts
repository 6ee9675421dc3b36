import type { AnyRecordedEvent } from '../../catalogue.ts'
import { EventMetadata } from '../../event.ts'
import { Position, StreamName } from '../../identifiers.ts'
import { UnreadableEvent, upcast } from '../../upcast.ts'

/** A stream entry as Redis returns it: id and a flat list of fields and values. */
export type StreamEntry = [id: string, fields: string[]]

/**
 * An event as log and archive store it: data and metadata are the exact texts that were written. `mac` is empty on events that are
 * older than MACs.
 */
export type StoredEvent = {
  position: Position
  sequence: number
  stream: StreamName
  revision: number
  type: string
  version: number
  data: string
  metadata: string
  mac: string
}

/** A larger entry is not ours: the callers of append.lua have far lower limits. */
const maxTextCharacters = 4_000_000
const maxNameCharacters = 128

/** Parses a stream entry. Throws UnreadableEvent with the position for an entry that is not an event. */
export function storedEvent([id, fields]: StreamEntry): StoredEvent {
  const malformed = (why: string) => new UnreadableEvent('malformed_event', id, why)
  const text = (name: string, limit: number, otherwise?: string): string => {
    for (let i = 0; i < fields.length; i += 2)
      if (fields[i] === name) {
        const value = fields[i + 1] ?? ''
        if (value.length > limit) throw malformed(`${name} is too large`)
        return value
      }
    if (otherwise === undefined) throw malformed(`the entry has no field ${name}`)
    return otherwise
  }
  const number = (name: string): number => {
    const value = Number(text(name, 16))
    if (!Number.isSafeInteger(value) || value < 1) throw malformed(`${name} is not a whole number from 1`)
    return value
  }
  const position = Position.safeParse(id)
  const stream = StreamName.safeParse(text('stream', 512))
  if (!position.success) throw malformed('the entry id is not a position')
  if (!stream.success) throw malformed('stream is not a stream name')
  return {
    position: position.data,
    sequence: number('sequence'),
    stream: stream.data,
    revision: number('revision'),
    type: text('type', maxNameCharacters),
    version: number('version'),
    data: text('data', maxTextCharacters),
    metadata: text('metadata', maxTextCharacters),
    mac: text('mac', maxNameCharacters, ''),
  }
}

/** Parses data and metadata and upcasts to the newest version. Throws UnreadableEvent with the position. */
export function readStored({
  position,
  sequence,
  stream,
  revision,
  type,
  version,
  data,
  metadata: metadataText,
}: StoredEvent): AnyRecordedEvent {
  const json = (name: string, text: string): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      throw new UnreadableEvent('malformed_event', position, `${name} is not JSON`)
    }
  }
  const metadata = EventMetadata.safeParse(json('metadata', metadataText))
  if (!metadata.success) {
    const [issue] = metadata.error.issues
    throw new UnreadableEvent('malformed_event', position, `metadata: ${issue?.path.join('.')} ${issue?.message}`)
  }
  const event = {
    position,
    sequence,
    stream,
    revision,
    type,
    version,
    data: upcast(type, version, json('data', data), position),
    metadata: metadata.data,
  }
  // `upcast` has checked the data against the schema of this type.
  return event as AnyRecordedEvent
}
