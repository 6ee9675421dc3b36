import type { AnyRecordedEvent } from '../../catalogue.ts'
import { beginning, justBefore, type Position, type StreamName } from '../../identifiers.ts'
import type { Archive } from '../archive/archive.ts'
import type { LogReader } from '../log.ts'
import { readStored } from './stored-event.ts'

/** The part of an archive that finds the events of a stream. */
export type StreamArchive = Pick<Archive, 'checkpoint' | 'readStream' | 'read'>

/** Reads of single streams whose cost does not depend on the length of the log. */
export type StreamReads = {
  /** The last event that the archive's index covers; null: the archive is empty, of another log, or there is none. */
  indexedTo: Position | null
  /** The number of newer events, which every read looks at one by one. */
  scanned: number
  /** The newest event at the time of opening; undefined in an empty log. */
  head: AnyRecordedEvent | undefined
  /** All events of some streams up to the head at the time of opening, in log order. */
  eventsOf: (streams: readonly StreamName[]) => Promise<AnyRecordedEvent[]>
}

/**
 * Finds the events of streams by the archive's index on them, and those that are not archived yet by reading the end of the log. While
 * an archiver runs, the end is seconds long; without an archive it is the whole log.
 */
export async function openStreamReads(log: LogReader, archive: StreamArchive | null): Promise<StreamReads> {
  const checkpoint = archive && (await ownCheckpoint(log, archive))
  const head = await newest(log)
  const indexed = checkpoint ?? { sequence: 0, position: beginning }
  return {
    indexedTo: checkpoint?.position ?? null,
    scanned: Math.max(0, (head?.sequence ?? 0) - indexed.sequence),
    head,
    async eventsOf(streams) {
      const events: AnyRecordedEvent[] = []
      if (archive && checkpoint)
        for (const stream of streams)
          for await (const page of archive.readStream(stream, checkpoint.sequence)) events.push(...page.map(readStored))
      if (head && head.sequence > indexed.sequence)
        for await (const page of log.read({ after: indexed.position, upTo: head.position, streams }))
          events.push(...page)
      return events.toSorted((a, b) => a.sequence - b.sequence)
    },
  }
}

/** The archive's checkpoint, if the log has the same event there; null for the archive of another log, or an empty one. */
async function ownCheckpoint(log: LogReader, archive: StreamArchive) {
  const checkpoint = await archive.checkpoint()
  if (!checkpoint) return null
  const { position } = checkpoint
  const range = { after: justBefore(position), upTo: position, limit: 1 }
  const [archived] = await firstPage(archive.read(range))
  const [inLog] = await firstPage(log.read(range))
  return archived && readStored(archived).metadata.eventId === inLog?.metadata.eventId ? checkpoint : null
}

const newest = async (log: LogReader): Promise<AnyRecordedEvent | undefined> =>
  (await firstPage(log.read({ direction: 'backward', limit: 1 })))[0]

async function firstPage<E>(pages: AsyncIterable<E[]>): Promise<E[]> {
  for await (const page of pages) return page
  return []
}
