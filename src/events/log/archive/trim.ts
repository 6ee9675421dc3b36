import type { RedisClient } from '../../../platform/redis/cluster.ts'
import { beginning, comparePositions, justBefore, Position } from '../../identifiers.ts'
import type { LogKeys } from '../keys.ts'
import { headOf } from '../read/hot-log.ts'
import { storedEvent } from '../read/stored-event.ts'
import type { Archive } from './archive.ts'

export type TrimDependencies = {
  redis: RedisClient
  keys: Pick<LogKeys, 'log' | 'work'>
  /** In a PostgreSQL that loses nothing it has committed: what is trimmed is only there from then on. */
  archive: Pick<Archive, 'checkpoint' | 'noteTrimmed'>
  /** Younger events stay. */
  hotWindowMs: number
}

/** So many entries leave at a time: a script that waits for a longer trim delays every append. */
const maxEntries = 10_000
const jobsPage = 1_000

/**
 * Lets Redis forget events that are archived, older than the hot window, and before every job that somebody still has to do;
 * the newest event always stays. Whole nodes of the stream leave, so that up to a hundred events more than these may stay.
 * Returns how many have left. Throws what the stores throw.
 */
export async function trim({ redis, keys, archive, hotWindowMs }: TrimDependencies): Promise<number> {
  const checkpoint = await archive.checkpoint()
  if (!checkpoint) return 0
  const [seconds, micros] = await redis.time()
  const nowMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
  const windowStart = Position.parse(`${Math.max(0, nowMs - hotWindowMs)}-0`)
  // Everything below stays below: `minId` itself is kept.
  const minId = [checkpoint.position, windowStart, await headOf(redis, keys.log), await oldestJob(redis, keys.work)]
    .filter((position) => position !== null)
    .reduce((least, position) => (comparePositions(position, least) < 0 ? position : least))
  if (minId === beginning) return 0
  const [newest] = await redis.xrevrange(keys.log, justBefore(minId), '-', 'COUNT', 1)
  if (!newest) return 0
  await archive.noteTrimmed(storedEvent(newest))
  let left = 0
  for (;;) {
    const gone = await redis.xtrim(keys.log, 'MINID', '~', minId, 'LIMIT', maxEntries)
    left += gone
    if (gone === 0) return left
  }
}

/** The oldest event that a job is about; null while there is no job. */
async function oldestJob(redis: RedisClient, work: string): Promise<Position | null> {
  let oldest: Position | null = null
  let after = '-'
  for (;;) {
    const entries = await redis.xrange(work, after, '+', 'COUNT', jobsPage)
    for (const [entry, fields] of entries) {
      after = `(${entry}`
      const position = Position.parse(fields[fields.indexOf('position') + 1])
      if (!oldest || comparePositions(position, oldest) < 0) oldest = position
    }
    if (entries.length < jobsPage) return oldest
  }
}
