import type { RedisClient } from '../../../platform/redis/cluster.ts'
import { positionTimeMs, type StreamName } from '../../identifiers.ts'
import type { Folds, LiveStream } from '../folds.ts'
import type { LogKeys } from '../keys.ts'
import type { ReportFault } from './audit-faults.ts'

/** The number of streams that workers must still finish. */
export type CheckedJobs = { open: number }

export type JobsUnderAudit = {
  redis: Pick<RedisClient, 'xrange' | 'hget' | 'time'>
  keys: LogKeys
  folds: Folds
  report: ReportFault
  /** The longest time without a new event for an unfinished stream. */
  jobOverdueMs: number
}

const pageSize = 1_000

/**
 * Checks that every unfinished stream (a prompt without an answer, work without a verdict) will be finished: its job is on the work stream, and its newest
 * event is not older than all attempts together may take. The log may grow in the meantime: a stream is reported only if its stored
 * revision has not changed since the fold. Memory grows only with unfinished streams. Source: domain rules, invariant 6.
 */
export async function checkJobs({ redis, keys, folds, report, jobOverdueMs }: JobsUnderAudit): Promise<CheckedJobs> {
  const open = [...folds.live].filter(
    ([stream, { fold, state }]) => !folds.broken.has(stream) && (fold.unfinishedJob?.(state) ?? null) !== null,
  )
  if (open.length === 0) return { open: 0 }
  const queued = await queuedStreams(redis, keys)
  const [seconds, micros] = await redis.time()
  const nowMs = Number(seconds) * 1000 + Number(micros) / 1000

  const hasMoved = async (stream: StreamName, { revision }: LiveStream): Promise<boolean> =>
    Number.parseInt((await redis.hget(keys.states, stream)) ?? '', 10) !== revision

  for (const [stream, live] of open) {
    const silentMs = nowMs - positionTimeMs(live.last)
    const isQueued = queued.has(stream)
    if ((isQueued && silentMs <= jobOverdueMs) || (await hasMoved(stream, live))) continue
    const at = { position: live.last, stream }
    if (isQueued)
      report(
        'job_overdue',
        at,
        `${stream} is not finished, and its newest event is ${Math.floor(silentMs / 1000)} s old: its attempts may take ${Math.floor(jobOverdueMs / 1000)} s`,
      )
    else
      report(
        'job_missing',
        at,
        `${stream} is not finished, but it has no job in the queue, so no worker will finish it`,
      )
  }
  return { open: open.length }
}

async function queuedStreams(redis: JobsUnderAudit['redis'], keys: LogKeys): Promise<Set<string>> {
  const streams = new Set<string>()
  for (let after = '-'; ;) {
    const entries = await redis.xrange(keys.work, after, '+', 'COUNT', pageSize)
    for (const [entry, fields] of entries) {
      after = `(${entry}`
      for (let i = 0; i < fields.length; i += 2) if (fields[i] === 'stream') streams.add(fields[i + 1] ?? '')
    }
    if (entries.length < pageSize) return streams
  }
}
