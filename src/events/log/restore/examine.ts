import { messageOf } from '../../../platform/platform-error.ts'
import {
  commandWindowMs,
  beginning,
  comparePositions,
  streamTimeMs,
  type Position,
  type StreamName,
} from '../../identifiers.ts'
import { maxIdAheadMs } from '../append/append.ts'
import { upToSequence, type ArchiveCheckpoint } from '../archive/archive.ts'
import { chainStart, extendChain } from '../archive/chain.ts'
import { foldStreams, type Folds } from '../folds.ts'
import { hotEntries } from '../read/hot-entries.ts'
import { LogStopped } from '../log.ts'
import { readStored, type StoredEvent } from '../read/stored-event.ts'
import { firstDifference, mergeJoin, type JoinedRow } from '../verify/merge-join.ts'
import { RestoreRefused, type RestoreStores } from './stores.ts'

/** A log as archive and Redis together hold it, and the part that Redis lacks. */
export type Examined = {
  checkpoint: ArchiveCheckpoint
  folds: Folds
  /** Finished streams whose ids are within the window, with their last revisions. */
  finished: ReadonlyMap<StreamName, number>
  /** The events that Redis lacks: all archived ones after a position. */
  missing: { count: number; after: Position }
  /** The newest event of both stores. */
  end: { position: Position; sequence: number; macKey: string | null }
  /** The newest entry on Redis. */
  hotEnd: Position
}

export type ExamineOptions = {
  windowStartMs: number
  onProgress: (done: number, total: number) => void
  signal: AbortSignal
}

/**
 * Compares the log on Redis with the archive from the first event and folds both. Writes nothing. Throws RestoreRefused if the two
 * contradict each other, and LogStopped `log_key_of_wrong_type`.
 */
export async function examine(
  stores: RestoreStores,
  { windowStartMs, onProgress, signal }: ExamineOptions,
): Promise<Examined> {
  const { redis, keys, archive, foldOf } = stores
  await assertKeyTypes(stores, windowStartMs)
  const checkpoint = await ownCheckpoint(stores)
  const continuity = continuityOf(checkpoint)
  const folds = foldStreams(foldOf)
  const finished = new Map<StreamName, number>()
  const end: Examined['end'] = { position: beginning, sequence: 0, macKey: null }

  const fold = (event: StoredEvent): void => {
    const { stream, revision, position, sequence, mac } = event
    const damaged = (why: string) =>
      new RestoreRefused('archive_damaged', `${why}; look closer with: council audit verify`, position)
    if (sequence !== end.sequence + 1)
      throw damaged(`event number ${end.sequence + 1} is missing: number ${sequence} at ${position} comes next`)
    const taken = folds.take(readStored(event))
    if (taken === 'unknown') throw damaged(`no aggregate of this program has the stream ${stream}, at ${position}`)
    if (typeof taken === 'object')
      throw damaged(
        `the events of ${stream} are inconsistent at ${position}${'failed' in taken ? `: ${messageOf(taken.failed)}` : ''}`,
      )
    const timeMs = streamTimeMs(stream)
    if (taken === 'finished' && timeMs !== undefined && timeMs >= windowStartMs) finished.set(stream, revision)
    Object.assign(end, { position, sequence, macKey: mac === '' ? end.macKey : mac.slice(0, mac.indexOf('.')) })
  }

  for await (const rows of mergeJoin(
    upToSequence(archive.read(), checkpoint.sequence),
    hotEntries(redis, keys.log, beginning, '+'),
  )) {
    signal.throwIfAborted()
    for (const row of rows) {
      continuity.look(row)
      const event = row.archived ?? row.hot.event
      if (event) fold(event)
    }
    onProgress(end.sequence, checkpoint.sequence)
  }
  return { checkpoint, folds, finished, end, ...continuity.result() }
}

const hourMs = 3_600_000

/** Checks every key that a restore may write, including those of all hours of the window. */
async function assertKeyTypes({ redis, keys }: RestoreStores, windowStartMs: number): Promise<void> {
  const hours = Array.from(
    { length: (commandWindowMs + maxIdAheadMs) / hourMs + 2 },
    (_, hour) => windowStartMs + hour * hourMs,
  )
  const hashes = [keys.meta, keys.states, ...hours.flatMap((timeMs) => [keys.commands(timeMs), keys.finished(timeMs)])]
  const expected = [
    ...[keys.log, keys.work].map((key) => [key, 'stream'] as const),
    ...hashes.map((key) => [key, 'hash'] as const),
    [keys.deadlines, 'zset'] as const,
  ]
  await Promise.all(
    expected.map(async ([key, kind]) => {
      const actual = await redis.type(key)
      if (actual !== 'none' && actual !== kind)
        throw new LogStopped(
          'log_key_of_wrong_type',
          `the key ${key} holds a ${actual}, which does not belong to the log; rename it first`,
        )
    }),
  )
}

async function ownCheckpoint({ redis, keys, councilId, archive }: RestoreStores): Promise<ArchiveCheckpoint> {
  const checkpoint = await archive.checkpoint()
  if (!checkpoint)
    throw new RestoreRefused(
      'no_archive',
      'nothing was ever archived in this database, so there is nothing to restore from',
    )
  if (checkpoint.councilId !== councilId)
    throw new RestoreRefused(
      'histories_differ',
      `this database holds the archive of the council "${checkpoint.councilId}", not of "${councilId}"`,
    )
  const incarnation = await redis.hget(keys.meta, 'incarnation')
  if (incarnation !== null && incarnation !== checkpoint.incarnation)
    throw new RestoreRefused(
      'histories_differ',
      `Redis holds another log (incarnation ${incarnation}) than the one that is archived (${checkpoint.incarnation})`,
    )
  return checkpoint
}

/** Checks that the log on Redis is a part of the archive without a gap, or continues it. */
function continuityOf(checkpoint: ArchiveCheckpoint) {
  const differ = (message: string, at: Position) =>
    new RestoreRefused('histories_differ', `archive and Redis differ at ${at}: ${message}`, at)
  let head = chainStart(checkpoint)
  let missing: { count: number; after: Position } | null = null
  let hotEnd = beginning

  return {
    look({ archived, hot }: JoinedRow): void {
      if (hot) {
        const position = hot === 'same' ? (archived?.position ?? beginning) : hot.position
        if (hot !== 'same' && hot.problem)
          throw differ(`the entry on Redis is not an event (${hot.problem.message})`, position)
        if (missing)
          throw differ(
            `Redis holds this event, but lacks the ${missing.count} events after ${missing.after}, and cannot insert entries before existing ones`,
            position,
          )
        if (!archived && comparePositions(position, checkpoint.position) <= 0)
          throw differ('Redis holds an event there, but the archive does not', position)
        const field = archived && hot !== 'same' ? firstDifference(archived, hot.event) : undefined
        if (archived && field)
          throw differ(`event number ${archived.sequence} has another ${field} in Redis than in the archive`, position)
        hotEnd = position
      }
      if (!archived) return
      head = extendChain(head, archived)
      if (!head.equals(archived.chainHead))
        throw new RestoreRefused(
          'archive_damaged',
          `the archive's hash chain breaks at event number ${archived.sequence} (${archived.position}); look closer with: council audit verify`,
          archived.position,
        )
      if (hot || comparePositions(archived.position, checkpoint.trimmed.position) <= 0) return
      missing ??= { count: 0, after: hotEnd === beginning ? checkpoint.trimmed.position : hotEnd }
      missing.count++
    },
    result: () => ({ missing: missing ?? { count: 0, after: hotEnd }, hotEnd }),
  }
}
