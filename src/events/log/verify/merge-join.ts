import { setImmediate as turnOfOthers } from 'node:timers/promises'
import { comparePositions, type Position } from '../../identifiers.ts'
import { UnreadableEvent } from '../../upcast.ts'
import type { ArchivedEvent } from '../archive/archive.ts'
import { storedEvent, type StoredEvent, type StreamEntry } from '../read/stored-event.ts'

/** An entry of the Redis stream: an event, or the problem with it. */
export type HotEntry = { position: Position } & (
  { event: StoredEvent; problem: null } | { event: null; problem: UnreadableEvent }
)

/** One row of the log, as the archive and as Redis have it (`same`: byte for byte); one of the two may lack it. */
export type JoinedRow = { archived: ArchivedEvent; hot: HotEntry | 'same' | null } | { archived: null; hot: HotEntry }

/** The most rows per turn, so that other tasks can run in between. */
const maxRows = 100

/** A merge join of archive and hot stream by position, in batches. Both must be in order; otherwise equal positions are not joined. */
export async function* mergeJoin(
  archive: AsyncIterable<ArchivedEvent[]>,
  hot: AsyncIterable<StreamEntry[]>,
): AsyncGenerator<JoinedRow[]> {
  const left = cursor(archive)
  const right = cursor(hot)
  for (;;) {
    await Promise.all([left.fill(), right.fill()])
    const rows: JoinedRow[] = []
    while (rows.length < maxRows && left.isKnown() && right.isKnown()) {
      const archived = left.peek()
      const entry = right.peek()
      if (!archived && !entry) break
      const order = archived && entry ? orderOf(archived.position, entry[0] as Position) : archived ? -1 : 1
      if (order <= 0) left.next()
      if (order >= 0) right.next()
      if (archived && order < 0) rows.push({ archived, hot: null })
      else if (archived && entry && order === 0)
        rows.push({ archived, hot: holdsExactly(entry, archived) ? 'same' : hotEntry(entry) })
      else if (entry) rows.push({ archived: null, hot: hotEntry(entry) })
    }
    if (rows.length === 0) return
    yield rows
    // Lets the next pages arrive.
    await turnOfOthers()
  }
}

/** Fast path: most positions are equal. */
const orderOf = (left: Position, right: Position): number => (left === right ? 0 : comparePositions(left, right))

/** Whether an entry has exactly the fields of an event, in order and with the same texts. */
function holdsExactly([, fields]: StreamEntry, event: StoredEvent): boolean {
  const { sequence, stream, revision, type, version, data, metadata, mac } = event
  if (fields.length !== fieldNames.length * 2) return false
  for (const [index, name] of fieldNames.entries()) if (fields[index * 2] !== name) return false
  if (fields[1] !== String(sequence) || fields[3] !== stream || fields[5] !== String(revision) || fields[7] !== type)
    return false
  return fields[9] === String(version) && fields[11] === data && fields[13] === metadata && fields[15] === mac
}

/** Reads a page at a time and prefetches the next one. */
function cursor<T>(pages: AsyncIterable<T[]>) {
  const iterator = pages[Symbol.asyncIterator]()
  let page: T[] = []
  let index = 0
  let ended = false
  let coming = iterator.next()
  // `fill` reports the failure; this prevents an unhandled rejection until then.
  coming.catch(() => undefined)
  return {
    isKnown: () => ended || index < page.length,
    peek: () => page[index],
    next: () => void index++,
    async fill(): Promise<void> {
      while (!ended && index >= page.length) {
        const result = await coming
        if (result.done) {
          ended = true
          page = []
        } else {
          page = result.value
          coming = iterator.next()
          coming.catch(() => undefined)
        }
        index = 0
      }
    },
  }
}

const fieldNames = ['sequence', 'stream', 'revision', 'type', 'version', 'data', 'metadata', 'mac']

/** Parses a stream entry, which must have exactly the fields of an event in order. */
export function hotEntry(entry: StreamEntry): HotEntry {
  const [id, fields] = entry
  try {
    const names = fields.length / 2
    if (
      names < fieldNames.length - 1 ||
      names > fieldNames.length ||
      fieldNames.slice(0, names).some((name, index) => fields[index * 2] !== name)
    )
      throw new UnreadableEvent('malformed_event', id, 'the entry does not have the fields of an event')
    return { position: id as Position, event: storedEvent(entry), problem: null }
  } catch (error) {
    if (error instanceof UnreadableEvent) return { position: id as Position, event: null, problem: error }
    throw error
  }
}

/** The first field in which two copies of an event differ; undefined if they are equal byte for byte. */
export function firstDifference(left: StoredEvent, right: StoredEvent): keyof StoredEvent | undefined {
  if (left.sequence !== right.sequence) return 'sequence'
  if (left.position !== right.position) return 'position'
  if (left.stream !== right.stream) return 'stream'
  if (left.revision !== right.revision) return 'revision'
  if (left.type !== right.type) return 'type'
  if (left.version !== right.version) return 'version'
  if (left.data !== right.data) return 'data'
  if (left.metadata !== right.metadata) return 'metadata'
  return left.mac === right.mac ? undefined : 'mac'
}
