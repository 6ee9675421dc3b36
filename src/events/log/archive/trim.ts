import type { RedisClient } from '../../../platform/redis/cluster.ts'
import { beginning, comparePositions, justBefore, Position } from '../../identifiers.ts'
import type { LogKeys } from '../keys.ts'
import { headOf } from '../read/hot-log.ts'
import { storedEvent } from '../read/stored-event.ts'
import type { Archive } from './archive.ts'

export type TrimDependencies = {
  redis: RedisClient
  keys: Pick<LogKeys, 'log' | 'work'>
  /** Must be crash-safe: after a trim it holds the only copy. */
  archive: Pick<Archive, 'checkpoint' | 'noteTrimmed'>
  /** Events younger than this stay on Redis. */
  hotWindowMs: number
}

/** The most entries per XTRIM: a longer trim would delay every append. */
const maxEntries = 10_000
const jobsPage = 1_000

/**
 * Trims events from Redis that are archived, older than the hot window, and older than the event of every open job. The newest event
 * always stays. Redis trims whole nodes of the stream, so up to a hundred more events may stay. Returns the number of trimmed events.
 * Throws the errors of the stores.
 */
export async function trim({ redis, keys, archive, hotWindowMs }: TrimDependencies): Promise<number> {
  const checkpoint = await archive.checkpoint()
  if (!checkpoint) return 0
  const [seconds, micros] = await redis.time()
  const nowMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
  const windowStart = Position.parse(`${Math.max(0, nowMs - hotWindowMs)}-0`)
  // XTRIM keeps `minId` itself.
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

/** The oldest event of an open job; null if there is no job. */
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
