import type { RedisClient } from '../../../platform/redis/cluster.ts'
import type { Position } from '../../identifiers.ts'
import type { StreamEntry } from './stored-event.ts'

const pageSize = 1_000

/** Pages of raw entries of the Redis stream after a position, up to another position or the end. */
export async function* hotEntries(
  redis: Pick<RedisClient, 'xrange'>,
  logKey: string,
  after: Position,
  upTo: Position | '+',
): AsyncGenerator<StreamEntry[]> {
  let last: string = after
  for (;;) {
    const entries: StreamEntry[] = await redis.xrange(logKey, `(${last}`, upTo, 'COUNT', pageSize)
    const newest = entries.at(-1)
    if (!newest) return
    last = newest[0]
    yield entries
    if (entries.length < pageSize) return
  }
}
