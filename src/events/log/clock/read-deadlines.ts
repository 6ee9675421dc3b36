import type { RedisClient } from '../../../platform/redis/cluster.ts'
import type { StreamName } from '../../identifiers.ts'
import type { LogKeys } from '../keys.ts'
import type { Deadline, DeadlinePage } from '../log.ts'

/** Excludes the nameless member at the end of the index, with which append.lua keeps the key alive while nothing is due. */
const beforeEnd = '(inf'

/** A page of the index of deadlines: the earliest first, and by name where they are due at the same time. */
export async function readDeadlines(
  redis: Pick<RedisClient, 'zcount' | 'zrange'>,
  keys: LogKeys,
  { after, limit }: DeadlinePage,
): Promise<Deadline[]> {
  const found: Deadline[] = []
  // Redis pages by rank, and ranks change as streams leave the index: start at the time of the last one that was read.
  let rank = after ? await redis.zcount(keys.deadlines, '-inf', `(${after.atMs}`) : 0
  for (;;) {
    const flat = await redis.zrange(keys.deadlines, '-inf', beforeEnd, 'BYSCORE', 'LIMIT', rank, limit, 'WITHSCORES')
    for (let i = 0; i < flat.length; i += 2) {
      const deadline: Deadline = { stream: flat[i] as StreamName, atMs: Number(flat[i + 1]) }
      if (!after || compareDeadlines(deadline, after) > 0) found.push(deadline)
    }
    if (flat.length < 2 * limit || found.length >= limit) return found.slice(0, limit)
    rank += limit
  }
}

const scanCount = 1_000

/** The whole index, in pages and in no order. Redis may return a deadline twice. */
export async function* scanDeadlines(redis: Pick<RedisClient, 'zscan'>, keys: LogKeys): AsyncGenerator<Deadline[]> {
  let cursor = '0'
  do {
    const [next, flat] = await redis.zscan(keys.deadlines, cursor, 'COUNT', scanCount)
    cursor = next
    const page: Deadline[] = []
    for (let i = 0; i < flat.length; i += 2)
      if (flat[i] !== '') page.push({ stream: flat[i] as StreamName, atMs: Number(flat[i + 1]) })
    yield page
  } while (cursor !== '0')
}

/** The order of the index. Redis compares names byte by byte. */
export const compareDeadlines = (left: Deadline, right: Deadline): number =>
  left.atMs - right.atMs || Buffer.compare(Buffer.from(left.stream), Buffer.from(right.stream))
