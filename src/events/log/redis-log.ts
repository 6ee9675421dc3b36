import type { Redis } from 'ioredis'
import { beginning, uuid7TimeMs, type Position } from '../identifiers.ts'
import { append, type KnownLog } from './append.ts'
import { commandField, parseCommand } from './command-ids.ts'
import { assertDurable, type Durability } from './durability.ts'
import type { LogKeys } from './keys.ts'
import type { AppendResult, EventLog } from './log.ts'
import { follow, read } from './read.ts'
import { parseState } from './states.ts'

export type RedisLogOptions = {
  /** Takes appends and reads. */
  redis: Redis
  /** Makes one connection for each follower, since a blocked connection can do nothing else. */
  openBlocking: () => Redis
  keys: LogKeys
  incarnation: string
  durability: Durability
}

/** A council's log on Redis Streams. */
export function redisLog({ redis, openBlocking, keys, incarnation, durability }: RedisLogOptions): EventLog {
  const known: KnownLog = { incarnation, sequence: 0 }
  const assertSameServer = watchServer(redis, durability)

  return {
    async append(request) {
      await assertSameServer()
      const result = await append(redis, keys, known, request)
      if (result.result === 'appended') known.sequence = Math.max(known.sequence, lastSequence(result))
      return result
    },

    async loadStates(streams) {
      if (streams.length === 0) return []
      const stored = await redis.hmget(keys.states, ...streams)
      return streams.map((stream, index) => parseState(stream, stored[index] ?? null))
    },

    read: (options) => read(redis, keys.log, options),

    async *follow(after, signal) {
      const blocking = openBlocking()
      try {
        yield* follow(blocking, keys.log, after, signal)
      } finally {
        blocking.disconnect()
      }
    },

    async findCommand(principal, commandId) {
      const stored = await redis.hget(keys.commands(uuid7TimeMs(commandId)), commandField(principal, commandId))
      return stored === null ? null : parseCommand(stored)
    },

    async head() {
      const [newest] = await redis.xrevrange(keys.log, '+', '-', 'COUNT', 1)
      return (newest?.[0] as Position | undefined) ?? beginning
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
