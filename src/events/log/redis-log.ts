import type { Redis } from 'ioredis'
import { beginning, uuid7TimeMs, type Position } from '../identifiers.ts'
import { append } from './append.ts'
import { commandField, parseCommand } from './command-ids.ts'
import type { LogKeys } from './keys.ts'
import type { EventLog } from './log.ts'
import { follow, read } from './read.ts'
import { parseState } from './states.ts'

/**
 * A council's log on Redis Streams. `redis` takes appends and reads; `openBlocking` makes one connection for each
 * follower, since a blocked connection can do nothing else.
 */
export function redisLog(redis: Redis, keys: LogKeys, incarnation: string, openBlocking: () => Redis): EventLog {
  return {
    append: (request) => append(redis, keys, incarnation, request),

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
