import { Cluster, type Redis } from 'ioredis'
import { serversOf, type RedisClient } from '../../../platform/redis/cluster.ts'
import type { KnownLog } from '../append/append.ts'
import { assertServerDurable, type Durability } from './durability.ts'
import { logLostItsTail, logReplaced } from './log-stopped.ts'
import type { LogKeys } from '../keys.ts'
import { LogStopped } from '../log.ts'

/**
 * Sends a write, which `send` must do before it returns, only on a connection that was looked at: it leads to a server that keeps
 * what it acknowledges, and whose log is the one that this process knows. Throws LogStopped where it does not, and what
 * the connection throws while it cannot be looked at; nothing was sent then.
 */
export type GuardedWrite = <Reply>(send: () => Promise<Reply>) => Promise<Reply>

export type GuardOptions = { keys: LogKeys; known: Readonly<KnownLog>; durability: Durability }

/**
 * After a reconnect the server may be another one, or the same with other settings. The connections themselves are compared: ioredis
 * says `ready` only after a new one can be written to. In a cluster all masters are looked at that this process is
 * connected to, since a slot may move to any of them.
 */
export function guardWrites(redis: RedisClient, options: GuardOptions): GuardedWrite {
  const lookedAt = new WeakSet<Redis['stream']>()
  let runIds: readonly string[] = []
  const unseen = (): Redis | undefined => serversOf(redis).find(({ stream }) => !lookedAt.has(stream))

  async function look(server: Redis): Promise<void> {
    const connection = server.stream
    await assertServerDurable(server, options.durability)
    const runId = runIdIn(await server.info('server'))
    if (!runIds.includes(runId)) await assertSameLog(redis, options)
    // Lost and made anew meanwhile: then what was seen was another connection's.
    if (connection !== server.stream) return
    runIds = [...runIds, runId].slice(-maxRunIds)
    lookedAt.add(connection)
  }

  return async (send) => {
    for (let server = unseen(); server; server = unseen()) await look(server)
    const reply = await send()
    if (!(redis instanceof Cluster)) return reply
    // It may have been led to a node that nobody had looked at: nothing is acknowledged before, and it may have been done.
    for (let server = unseen(); server; server = unseen()) await look(server).catch(mayBeDone)
    return reply
  }
}

/** As many masters as a cluster may have, and more than a server is started. */
const maxRunIds = 1000

function mayBeDone(error: unknown): never {
  throw error instanceof LogStopped
    ? new Error('a write was led to a server that may not be written to', { cause: error })
    : error
}

/** A server that started anew, or is another one, has everything that this process knows of, or is not written to. */
async function assertSameLog(redis: RedisClient, { keys, known }: GuardOptions): Promise<void> {
  // What is known before it is asked: others go on writing, and readers of this process go on reading, while the answer is on its way.
  const { sequence: knownSequence } = known
  const [incarnation, sequence] = await redis.hmget(keys.meta, 'incarnation', 'sequence')
  if (incarnation !== known.incarnation) throw logReplaced(incarnation ?? '')
  if (Number(sequence ?? 0) < knownSequence) throw logLostItsTail(Number(sequence ?? 0), knownSequence)
}

const runIdIn = (info: string): string => /^run_id:(\w+)/m.exec(info)?.[1] ?? ''
