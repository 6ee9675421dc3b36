import type { Redis } from 'ioredis'
import { beginning, Uuid7, uuid7TimeMs, type Position } from '../identifiers.ts'
import { append, commandWindowMs, type KnownLog } from './append.ts'
import { commandField, parseCommand } from './command-ids.ts'
import { assertDurable, type Durability } from './durability.ts'
import type { LogKeys } from './keys.ts'
import type { AppendResult, EventLog, LogReader } from './log.ts'
import type { EventMacs } from './mac.ts'
import { follow, read } from './read.ts'
import { loadStates } from './states.ts'

export type RedisReaderOptions = {
  /** Takes reads, and appends. */
  redis: Redis
  /** Makes one connection for each follower, since a blocked connection can do nothing else. */
  openBlocking: () => Redis
  keys: LogKeys
}

export type RedisLogOptions = RedisReaderOptions & {
  incarnation: string
  durability: Durability
  macs: EventMacs
}

/** A council's log on Redis Streams, to look at. */
export const redisLogReader = ({ redis, openBlocking, keys }: RedisReaderOptions): LogReader => ({
  loadStates: (streams) => loadStates(redis, keys, streams),
  read: (options) => read(redis, keys.log, options),

  async *follow(after, signal) {
    const blocking = openBlocking()
    try {
      yield* follow(blocking, keys.log, after, signal)
    } finally {
      blocking.disconnect()
    }
  },

  async head() {
    const [newest] = await redis.xrevrange(keys.log, '+', '-', 'COUNT', 1)
    return (newest?.[0] as Position | undefined) ?? beginning
  },
})

/** A council's log on Redis Streams. */
export function redisLog(options: RedisLogOptions): EventLog {
  const { redis, keys, incarnation, durability, macs } = options
  const known: KnownLog = { incarnation, sequence: 0 }
  const assertSameServer = watchServer(redis, durability)

  return {
    ...redisLogReader(options),

    async append(request) {
      await assertSameServer()
      const result = await append(redis, keys, known, macs, request)
      if (result.result === 'appended') known.sequence = Math.max(known.sequence, lastSequence(result))
      return result
    },

    async findCommand(principal, commandId) {
      const stored = await redis.hget(keys.commands(uuid7TimeMs(commandId)), commandField(principal, commandId))
      return stored === null ? null : parseCommand(stored)
    },

    async commandIdFor(principal, key, newId) {
      const id = newId()
      const known = await redis.set(keys.callersKey(principal, key), id, 'PX', commandWindowMs, 'NX', 'GET')
      return known === null ? id : Uuid7.parse(known)
    },
  }
}

const lastSequence = ({ firstSequence, positions }: Extract<AppendResult, { result: 'appended' }>): number => firstSequence + positions.length - 1

/**
 * After a reconnect the server may be another one, or the same with other settings: it is looked at before anything is
 * written to it. The log itself (incarnation, tail) is checked by every append.
 */
function watchServer(redis: Redis, durability: Durability): () => Promise<void> {
  let looked = true
  redis.on('ready', () => (looked = false))
  return async () => {
    if (looked) return
    await assertDurable(redis, durability)
    looked = true
  }
}
