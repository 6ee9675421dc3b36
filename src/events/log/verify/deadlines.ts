import type { RedisClient } from '../../../platform/redis/cluster.ts'
import type { Position, StreamName } from '../../identifiers.ts'
import { scanDeadlines } from '../clock/read-deadlines.ts'
import { deadlineOf, type Folds } from '../folds.ts'
import type { LogKeys } from '../keys.ts'
import type { ReportFault } from './audit-faults.ts'

/** The number of streams on which the clock must act. */
export type CheckedDeadlines = { indexed: number }

export type DeadlinesUnderAudit = {
  redis: Pick<RedisClient, 'hget' | 'zscan' | 'multi'>
  keys: LogKeys
  folds: Folds
  report: ReportFault
  /** The rules of a complete index of this program. */
  deadlineRules: string
  /** The newest folded event. */
  end: () => Position
}

/**
 * Compares the index of deadlines with the fold of the log. The log may grow in the meantime: a stream is reported only if its stored
 * revision has not changed since the fold. Null: the index is not complete yet, because no scheduler has run on this log.
 */
export async function checkDeadlines({
  redis,
  keys,
  folds,
  report,
  deadlineRules,
  end,
}: DeadlinesUnderAudit): Promise<CheckedDeadlines | null> {
  if ((await redis.hget(keys.meta, 'deadlines')) !== deadlineRules) return null
  const indexed = new Map<StreamName, number>()
  for await (const page of scanDeadlines(redis, keys)) for (const { stream, atMs } of page) indexed.set(stream, atMs)

  /** The deadline and the revision of a stream at one moment. */
  async function now(stream: StreamName): Promise<{ atMs: number | null; revision: number }> {
    const replies = await redis.multi().zscore(keys.deadlines, stream).hget(keys.states, stream).exec()
    const [[, score] = [], [, stored] = []] = replies ?? []
    return {
      atMs: typeof score === 'string' ? Number(score) : null,
      revision: typeof stored === 'string' ? Number.parseInt(stored, 10) : 0,
    }
  }

  for (const stream of new Set([...folds.live.keys(), ...indexed.keys()])) {
    const live = folds.live.get(stream)
    const expected = live ? deadlineOf(live) : null
    if (folds.broken.has(stream) || (indexed.get(stream) ?? null) === expected) continue
    const { atMs, revision } = await now(stream)
    if (revision !== (live?.revision ?? 0) || atMs === expected) continue
    report(
      'deadline_differs',
      { position: live?.last ?? end(), stream },
      `the clock acts on ${stream} ${at(atMs)}, but by its events it must act ${at(expected)}`,
    )
  }
  return { indexed: indexed.size }
}

const at = (timeMs: number | null): string => (timeMs === null ? 'never' : `at ${new Date(timeMs).toISOString()}`)
