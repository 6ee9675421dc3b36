import { isDeepStrictEqual } from 'node:util'
import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import type { RecordedEvent } from '../../events/event.ts'
import type { Position, StreamName, Uuid7 } from '../../events/identifiers.ts'
import { eventsOfCommands } from '../../events/log/read/command-events.ts'
import type { LogReader } from '../../events/log/log.ts'
import { openStreamReads } from '../../events/log/read/stream-reads.ts'
import { messageOf } from '../../platform/platform-error.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { openArchive } from '../log/open-archive.ts'
import { openReadModels } from '../running-council.ts'
import { indexedDebits, type IndexedDebits } from './indexed-debits.ts'

/** From this number of unindexed events on an audit says that it reads them one by one. */
const manyEvents = 10_000

/** How an audit found its events: up to a position by an index, and `scanned` newer ones by reading each. */
export type FoundBy = { indexedTo: Position | null; scanned: number }

/** The events that an audit rests on. Their cost does not depend on the length of the log while archiver and projector run. */
export type Evidence = {
  foundBy: FoundBy
  /** All events of some streams, in log order. Throws CliError `evidence_differs` where a stream has a gap. */
  eventsOf: (streams: readonly StreamName[]) => Promise<AnyRecordedEvent[]>
  /**
   * All events of the commands that wrote the given ones, in log order. Throws CliError `evidence_differs` if the archive has another
   * event than the log.
   */
  eventsOfCommands: (events: readonly AnyRecordedEvent[]) => Promise<AnyRecordedEvent[]>
  /** All debits of a request in `budget/council/…`. Throws CliError `evidence_differs` if their index names a wrong place. */
  debitsOf: (requestId: Uuid7) => Promise<Omit<IndexedDebits, 'unavailable'>>
}

/** Opens a log to audit parts of it. Without an archive and read models it reads the log itself, and says so if that takes long. */
export async function openEvidence(
  log: LogReader,
  { config, output }: Pick<CliContext, 'config' | 'output'>,
  closing: AsyncDisposableStack,
): Promise<Evidence> {
  let why = 'nothing of this log is archived'
  const postgres = await openReadModels(config, closing).catch((error: unknown) => {
    why = messageOf(error)
    return null
  })
  const reads = await openStreamReads(log, postgres && (await openArchive(postgres)))
  const { indexedTo, scanned } = reads
  const noteSlow = (index: string, found: FoundBy, unavailable: string): void => {
    if (found.scanned < manyEvents) return
    const state = found.indexedTo === null ? `cannot be used (${unavailable})` : `ends at ${found.indexedTo}`
    output.note(
      `${index} ${state}, so ${found.scanned.toLocaleString('en')} events are read one by one; an audit is fast while the archiver and the projector run`,
    )
  }
  noteSlow('the archive', reads, why)
  return {
    foundBy: { indexedTo, scanned },
    async eventsOf(streams) {
      const events = await reads.eventsOf(streams)
      for (const [stream, ofStream] of Map.groupBy(events, (event) => event.stream)) assertNoGap(stream, ofStream)
      return events
    },
    async eventsOfCommands(events) {
      const all = await eventsOfCommands(log, events)
      const bySequence = new Map(all.map((event) => [event.sequence, event]))
      for (const event of events) assertSame(event, bySequence.get(event.sequence))
      return all
    },
    async debitsOf(requestId) {
      const { unavailable, ...found } = await indexedDebits(log, postgres, requestId, reads.head)
      noteSlow('the read model costs', found, unavailable ?? '')
      return found
    },
  }
}

function assertNoGap(stream: StreamName, events: readonly RecordedEvent[]): void {
  const wrong = events.findIndex(({ revision }, index) => revision !== index + 1)
  if (wrong >= 0)
    throw new CliError(
      'evidence_differs',
      `${stream} has no revision ${wrong + 1}, but revision ${events[wrong]?.revision} at ${events[wrong]?.position}: run council audit verify`,
    )
}

function assertSame(found: RecordedEvent, inLog: RecordedEvent | undefined): void {
  if (!isDeepStrictEqual(found, inLog))
    throw new CliError(
      'evidence_differs',
      `the archive has ${found.type} of ${found.stream} at ${found.position}, where the log has ${inLog ? `another event, ${inLog.type} of ${inLog.stream}` : 'none'}: run council audit verify`,
    )
}
