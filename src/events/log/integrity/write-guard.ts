import { Cluster, type Redis } from 'ioredis'
import { serversOf, type RedisClient } from '../../../platform/redis/cluster.ts'
import type { KnownLog } from '../append/append.ts'
import { assertServerDurable, type Durability } from './durability.ts'
import { logLostItsTail, logReplaced } from './log-stopped.ts'
import type { LogKeys } from '../keys.ts'
import { LogStopped } from '../log.ts'

/**
 * Sends a write only on a checked connection: its server is durable and holds the log that this process knows. `send` must send
 * before it returns. Throws LogStopped if a check fails, and the connection's error if a check is impossible; nothing was sent then.
 */
export type GuardedWrite = <Reply>(send: () => Promise<Reply>) => Promise<Reply>

export type GuardOptions = { keys: LogKeys; known: Readonly<KnownLog>; durability: Durability }

/**
 * After a reconnect the server may be another one, or have other settings. The guard compares the connections themselves, because
 * ioredis emits `ready` only after a new connection accepts writes. In a cluster it checks every connected master, because a slot may
 * move to any of them.
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
    // The connection was replaced in between, so the check was for another one.
    if (connection !== server.stream) return
    runIds = [...runIds, runId].slice(-maxRunIds)
    lookedAt.add(connection)
  }

  return async (send) => {
    for (let server = unseen(); server; server = unseen()) await look(server)
    const reply = await send()
    if (!(redis instanceof Cluster)) return reply
    // The cluster may have redirected the write to an unchecked node. Check it before acknowledging; the write may have been applied.
    for (let server = unseen(); server; server = unseen()) await look(server).catch(mayBeDone)
    return reply
  }
}

/** The most masters of a cluster, and more than the restarts of a server. */
const maxRunIds = 1000

function mayBeDone(error: unknown): never {
  throw error instanceof LogStopped
    ? new Error('a write was redirected to a server that must not be written', { cause: error })
    : error
}

/** A restarted or other server must hold every event that this process knows of. */
async function assertSameLog(redis: RedisClient, { keys, known }: GuardOptions): Promise<void> {
  // Read before the query: the known sequence may rise while the reply is on its way.
  const { sequence: knownSequence } = known
  const [incarnation, sequence] = await redis.hmget(keys.meta, 'incarnation', 'sequence')
  if (incarnation !== known.incarnation) throw logReplaced(incarnation ?? '')
  if (Number(sequence ?? 0) < knownSequence) throw logLostItsTail(Number(sequence ?? 0), knownSequence)
}

const runIdIn = (info: string): string => /^run_id:(\w+)/m.exec(info)?.[1] ?? ''
