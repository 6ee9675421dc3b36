import { beginning, comparePositions, justBefore, type Position } from '../../identifiers.ts'
import type { Archive } from '../archive/archive.ts'
import { LogStopped, type ReadOptions } from '../log.ts'
import type { HotEdge, HotLog } from './hot-log.ts'
import type { StoredEvent } from './stored-event.ts'

/** The archive as readers use it. */
export type ArchiveReader = Pick<Archive, 'checkpoint' | 'read'>

/**
 * Pages of events from the archive and from Redis as one log, without gaps or repetitions, even if Redis is trimmed during the read.
 * Throws UnreadableEvent for an entry that is not an event, and LogStopped `log_trimmed` if trimmed events are not in an archive.
 */
export async function* readTiered(
  hot: HotLog,
  archive: ArchiveReader | null,
  options: ReadOptions,
): AsyncGenerator<StoredEvent[]> {
  const streams = options.streams && new Set<string>(options.streams)
  const types = options.types && new Set(options.types)
  let left = options.limit ?? Infinity
  if (left <= 0) return
  for await (const page of options.direction === 'backward'
    ? backward(hot, archive, options)
    : forward(hot, archive, options)) {
    const events = page
      .filter(({ stream, type }) => (!streams || streams.has(stream)) && (!types || types.has(type)))
      .slice(0, left)
    left -= events.length
    if (events.length > 0) yield events
    if (left <= 0) return
  }
}

/**
 * All events after a position, then new ones from `newer`, which follows the hot log. Reads events from the archive if they are
 * trimmed before they were read. Throws like `readTiered`.
 */
export async function* followTiered(
  hot: HotLog,
  archive: ArchiveReader | null,
  newer: (after: Position) => AsyncGenerator<StoredEvent[]>,
  after: Position,
): AsyncGenerator<StoredEvent[]> {
  let cursor = after
  let expected = after === beginning ? 1 : undefined
  for await (const events of newer(after)) {
    const [first] = events
    const last = events.at(-1)
    if (!first || !last) continue
    if (first.sequence !== expected && !reachesTo(await hot.edge(), cursor))
      yield* forward(hot, archive, { after: cursor, upTo: justBefore(first.position) })
    yield events
    cursor = last.position
    expected = last.sequence + 1
  }
}

async function* forward(
  hot: HotLog,
  archive: ArchiveReader | null,
  options: ReadOptions,
): AsyncGenerator<StoredEvent[]> {
  const { after = beginning, upTo } = options
  const count = pageCount(hot, options)
  let cursor = after
  let expected = after === beginning ? 1 : undefined
  for (;;) {
    const events = await hot.page({ after: cursor, upTo, count })
    if (events[0]?.sequence !== expected || expected === undefined) {
      // Read the edge after the page: an event that is on Redis now was there before.
      const edge = await hot.edge()
      if (!reachesTo(edge, cursor)) {
        const seam = edge.oldest && justBefore(edge.oldest.position)
        const isWholly = seam === null || (upTo !== undefined && comparePositions(upTo, seam) <= 0)
        yield* archived(archive, edge, { ...options, after: cursor, ...(!isWholly && { upTo: seam }) })
        if (isWholly) return
        cursor = seam
        expected = edge.oldest?.sequence
        continue
      }
    }
    const last = events.at(-1)
    if (last) {
      yield events
      cursor = last.position
      expected = last.sequence + 1
    }
    if (events.length < count) return
  }
}

async function* backward(
  hot: HotLog,
  archive: ArchiveReader | null,
  options: ReadOptions,
): AsyncGenerator<StoredEvent[]> {
  const { after = beginning } = options
  const count = pageCount(hot, options)
  let { upTo } = options
  for (;;) {
    const events = await hot.page({ after, upTo, direction: 'backward', count })
    const last = events.at(-1)
    if (last) {
      yield events
      upTo = justBefore(last.position)
      if (last.sequence === 1) return
    }
    if (events.length === count) continue
    const edge = await hot.edge()
    if (!reachesTo(edge, after)) yield* archived(archive, edge, { ...options, ...(upTo && { upTo }) })
    return
  }
}

/** A read of few events transfers few; one that selects streams or types looks at whole pages. */
const pageCount = ({ pageSize }: HotLog, { limit = Infinity, streams, types }: ReadOptions): number =>
  streams || types ? pageSize : Math.min(pageSize, limit)

/** Whether Redis still holds every event after a position. */
function reachesTo({ oldest, sequence }: HotEdge, cursor: Position): boolean {
  if (!oldest) return sequence === 0
  return oldest.sequence === 1 || comparePositions(justBefore(oldest.position), cursor) <= 0
}

async function* archived(
  archive: ArchiveReader | null,
  { incarnation, sequence, oldest }: HotEdge,
  range: ReadOptions,
): AsyncGenerator<StoredEvent[]> {
  const gone = oldest ? oldest.sequence - 1 : sequence
  const checkpoint = (await archive?.checkpoint()) ?? null
  if (!archive || checkpoint?.incarnation !== incarnation || checkpoint.sequence < gone) {
    const why = archive
      ? `the archive ${checkpoint?.incarnation === incarnation ? `ends at number ${checkpoint?.sequence}` : 'is of another log'}`
      : 'there is no archive to read them from'
    throw new LogStopped('log_trimmed', `the events up to number ${gone} have left Redis, and ${why}`)
  }
  yield* archive.read(range)
}
