import { Redis } from 'ioredis'
import { serversOf, type RedisClient } from '../../platform/redis-cluster.ts'
import { Uuid7, uuid7TimeMs } from '../identifiers.ts'
import { append, commandWindowMs, type KnownLog } from './append.ts'
import { commandField, parseCommand } from './command-ids.ts'
import { assertServerDurable, type Durability } from './durability.ts'
import type { AppendResult, EventLog, LogReader } from './log.ts'
import type { EventMacs } from './mac.ts'
import { headOf } from './read.ts'
import { loadStates } from './states.ts'
import { readStored } from './stored-event.ts'
import { storedLog, type StoredLogOptions } from './stored-log.ts'

export type RedisLogOptions = StoredLogOptions & {
  incarnation: string
  durability: Durability
  macs: EventMacs
  /** What is known of the log, where others know as well. */
  known?: KnownLog
}

/** A council's log, to look at: on Redis Streams, and what has left them in the archive. */
export function redisLogReader(options: StoredLogOptions): LogReader {
  const { redis, keys } = options
  const stored = storedLog(options)
  return {
    loadStates: (streams) => loadStates(redis, keys, streams),
    async *read(range) {
      for await (const events of stored.readStored(range)) yield events.map(readStored)
    },
    async *follow(after, signal) {
      for await (const events of stored.followStored(after, signal)) yield events.map(readStored)
    },
    head: () => headOf(redis, keys.log),
  }
}

/** A council's log on Redis Streams. */
export function redisLog(options: RedisLogOptions): EventLog {
  const { redis, keys, incarnation, durability, macs } = options
  const { known = { incarnation, sequence: 0 } } = options
  const lookAtNewServers = watchServers(redis, durability)

  return {
    ...redisLogReader(options),

    async append(request) {
      await lookAtNewServers()
      const result = await append(redis, keys, known, macs, request)
      // A cluster may have led it to a node that nobody has looked at: nothing is acknowledged before.
      await lookAtNewServers()
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
 * written to it. In a cluster that is every master that this process is connected to, since a slot may move to any of them.
 * The log itself (incarnation, tail) is checked by every append.
 */
function watchServers(redis: RedisClient, durability: Durability): () => Promise<void> {
  const looked = new WeakSet(serversOf(redis))
  // A lost connection to a node of a cluster is never used again; a single server's is.
  if (redis instanceof Redis) redis.on('ready', () => looked.delete(redis))
  return async () => {
    for (const server of serversOf(redis)) {
      if (looked.has(server)) continue
      await assertServerDurable(server, durability)
      looked.add(server)
    }
  }
}
