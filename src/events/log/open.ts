import type { RedisClient } from '../../platform/redis/cluster.ts'
import { comparePositions, justBefore } from '../identifiers.ts'
import type { Archive } from './archive/archive.ts'
import { assertDurable, type Durability } from './integrity/durability.ts'
import type { LogKeys } from './keys.ts'
import { LogStopped } from './log.ts'
import type { EventMacs } from './integrity/mac.ts'
import { hotLog } from './read/hot-log.ts'

export type OpenOptions = {
  durability: Durability
  macs: EventMacs
  /** Used only where there is no log yet. */
  newIncarnation: string
  /** The archive of this council's log; Redis must have every event that it has, unless it was trimmed. */
  archived?: { councilId: string; archive: Pick<Archive, 'checkpoint'> }
}

/**
 * Checks that Redis is durable, that it holds one log with one identity, and that every process uses the same MAC keys. Gives a new
 * log its incarnation. Returns the incarnation, which every append must name. Throws LogStopped.
 */
export async function openLog(
  redis: RedisClient,
  keys: LogKeys,
  { durability, macs, newIncarnation, archived }: OpenOptions,
): Promise<string> {
  await assertDurable(redis, durability)
  // A development log may vanish; its archiver reports it.
  if (archived && durability !== 'memory') await assertHasArchived(redis, keys, archived)
  const known = await redis.hget(keys.meta, 'incarnation')
  if (known) {
    await agreeOnMacKey(redis, keys, macs)
    return known
  }
  // Read again: another process may have created the log in between.
  if (
    (await redis.exists(keys.log, keys.states, keys.meta)) > 0 &&
    (await redis.hget(keys.meta, 'incarnation')) === null
  )
    throw new LogStopped(
      'log_replaced',
      `Redis holds parts of a log without its identity (${keys.meta} has no incarnation); restore it before anything is written: bin/council restore`,
    )
  await redis.hsetnx(keys.meta, 'incarnation', newIncarnation)
  await agreeOnMacKey(redis, keys, macs)
  return (await redis.hget(keys.meta, 'incarnation')) ?? newIncarnation
}

/** A Redis that is behind the archive has lost acknowledged events and must not be written. */
async function assertHasArchived(
  redis: RedisClient,
  keys: LogKeys,
  { councilId, archive }: NonNullable<OpenOptions['archived']>,
): Promise<void> {
  const checkpoint = await archive.checkpoint()
  if (!checkpoint) return
  const restore = 'restore it before anything is written: bin/council restore'
  if (checkpoint.councilId !== councilId)
    throw new LogStopped(
      'archive_of_another_council',
      `this database holds the archive of the council "${checkpoint.councilId}", not of "${councilId}": every council needs a database of its own`,
    )
  const { incarnation, sequence, oldest } = await hotLog(redis, keys).edge()
  if (incarnation !== checkpoint.incarnation)
    throw new LogStopped(
      'log_replaced',
      `the archive has ${checkpoint.sequence} events of a log (incarnation ${checkpoint.incarnation}); Redis holds ${incarnation ? `another one (incarnation ${incarnation})` : 'none'}; ${restore}`,
    )
  if (sequence < checkpoint.sequence)
    throw new LogStopped(
      'log_lost_its_tail',
      `Redis has ${sequence} events, but ${checkpoint.sequence} were archived; ${restore}`,
    )
  if (!oldest || comparePositions(oldest.position, checkpoint.position) > 0) return
  const [event] = await hotLog(redis, keys).page({ after: justBefore(checkpoint.position), upTo: checkpoint.position })
  if (event?.sequence !== checkpoint.sequence)
    throw new LogStopped(
      'log_lost_its_tail',
      `event number ${checkpoint.sequence} at ${checkpoint.position} was archived, but Redis does not have it; ${restore}`,
    )
}

/** All processes must share their MAC keys, or each would report the events of the others as forged. */
async function agreeOnMacKey(redis: RedisClient, keys: LogKeys, macs: EventMacs): Promise<void> {
  await redis.hsetnx(keys.meta, 'macKey', macs.keyId)
  const inUse = await redis.hget(keys.meta, 'macKey')
  if (inUse === macs.keyId || inUse === null) return
  if (!macs.knows(inUse))
    throw new LogStopped(
      'mac_key_unknown',
      `the MACs of this log use the key ${inUse}, which is not in MAC_KEY_FILE; give every process of a council the same file`,
    )
  await redis.hset(keys.meta, 'macKey', macs.keyId)
}
