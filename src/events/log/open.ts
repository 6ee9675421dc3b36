import type { Redis } from 'ioredis'
import { assertDurable, type Durability } from './durability.ts'
import type { LogKeys } from './keys.ts'
import { LogStopped } from './log.ts'

/**
 * Makes sure that this Redis keeps what it acknowledges, and that it holds one log with one identity.
 * A log without events gets its incarnation here, once; `newIncarnation` is used only then.
 * Returns the incarnation that every append must name. Throws LogStopped.
 */
export async function openLog(redis: Redis, keys: LogKeys, durability: Durability, newIncarnation: string): Promise<string> {
  await assertDurable(redis, durability)
  const known = await redis.hget(keys.meta, 'incarnation')
  if (known) return known
  if ((await redis.exists(keys.log, keys.states, keys.meta)) > 0)
    throw new LogStopped('log_replaced', `Redis holds parts of a log without its identity (${keys.meta} has no incarnation); it is not written to until it is restored`)
  await redis.hsetnx(keys.meta, 'incarnation', newIncarnation)
  return (await redis.hget(keys.meta, 'incarnation')) ?? newIncarnation
}
