import type { RedisClient } from '../../platform/redis-cluster.ts'
import { assertDurable, type Durability } from './durability.ts'
import type { LogKeys } from './keys.ts'
import { LogStopped } from './log.ts'
import type { EventMacs } from './mac.ts'

export type OpenOptions = {
  durability: Durability
  macs: EventMacs
  /** Used only where there is no log yet. */
  newIncarnation: string
}

/**
 * Makes sure that this Redis keeps what it acknowledges, that it holds one log with one identity, and that every process
 * vouches for its events under the same keys. A log without events gets its incarnation here, once.
 * Returns the incarnation that every append must name. Throws LogStopped.
 */
export async function openLog(redis: RedisClient, keys: LogKeys, { durability, macs, newIncarnation }: OpenOptions): Promise<string> {
  await assertDurable(redis, durability)
  const known = await redis.hget(keys.meta, 'incarnation')
  if (known) {
    await agreeOnMacKey(redis, keys, macs)
    return known
  }
  if ((await redis.exists(keys.log, keys.states, keys.meta)) > 0)
    throw new LogStopped('log_replaced', `Redis holds parts of a log without its identity (${keys.meta} has no incarnation); it is not written to until it is restored: bin/council restore`)
  await redis.hsetnx(keys.meta, 'incarnation', newIncarnation)
  await agreeOnMacKey(redis, keys, macs)
  return (await redis.hget(keys.meta, 'incarnation')) ?? newIncarnation
}

/** A process with keys of its own would write events that all others take for forged. */
async function agreeOnMacKey(redis: RedisClient, keys: LogKeys, macs: EventMacs): Promise<void> {
  await redis.hsetnx(keys.meta, 'macKey', macs.keyId)
  const inUse = await redis.hget(keys.meta, 'macKey')
  if (inUse === macs.keyId || inUse === null) return
  if (!macs.knows(inUse))
    throw new LogStopped('mac_key_unknown', `the events of this log are vouched for under the key ${inUse}, which MAC_KEY_FILE does not hold; give every process of a council the same file`)
  await redis.hset(keys.meta, 'macKey', macs.keyId)
}
