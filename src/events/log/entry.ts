import { EventMetadata, type RecordedEvent } from '../event.ts'
import { Position, StreamName } from '../identifiers.ts'
import { UnreadableEvent, upcast } from '../upcast.ts'

/** A stream entry as Redis returns it: id and a flat list of fields and values. */
export type StreamEntry = [id: string, fields: string[]]

/** Larger entries are not ours: append.lua's callers are bounded far below this. */
const maxEntryCharacters = 4_000_000

/** Turns a stream entry into an event of the newest version. Throws UnreadableEvent, naming the position, for anything else. */
export function parseEntry([id, fields]: StreamEntry): RecordedEvent {
  const malformed = (why: string) => new UnreadableEvent('malformed_event', id, why)
  const field = (name: string): string => {
    for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1] ?? ''
    throw malformed(`the entry has no field ${name}`)
  }
  const number = (name: string): number => {
    const value = Number(field(name))
    if (!Number.isSafeInteger(value) || value < 1) throw malformed(`${name} is not a whole number from 1`)
    return value
  }
  const json = (name: string): unknown => {
    const text = field(name)
    if (text.length > maxEntryCharacters) throw malformed(`${name} is too large`)
    try {
      return JSON.parse(text)
    } catch {
      throw malformed(`${name} is not JSON`)
    }
  }
  const position = Position.safeParse(id)
  const stream = StreamName.safeParse(field('stream'))
  const metadata = EventMetadata.safeParse(json('metadata'))
  if (!position.success) throw malformed('the entry id is not a position')
  if (!stream.success) throw malformed('stream is not a stream name')
  if (!metadata.success) throw malformed(`metadata: ${metadata.error.issues[0]?.path.join('.')} ${metadata.error.issues[0]?.message}`)
  const type = field('type')
  const storedVersion = number('version')
  return {
    position: position.data,
    sequence: number('sequence'),
    stream: stream.data,
    revision: number('revision'),
    type,
    version: storedVersion,
    data: upcast(type, storedVersion, json('data'), id),
    metadata: metadata.data,
  }
}
