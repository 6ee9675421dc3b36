import { logKeys } from '../../events/log/keys.ts'
import type { Config } from '../../platform/config/config.ts'
import type { Postgres } from '../../platform/postgres/postgres.ts'
import type { Child } from '../../platform/process/children.ts'
import { serverOf, type RedisClient } from '../../platform/redis/cluster.ts'
import type { Servers } from './embedded-servers.ts'
import type { Part } from './part.ts'

type Connections = {
  redis: RedisClient
  ephemeral: RedisClient
  queries: Postgres<unknown>
  /** The longest time after which a query fails. */
  queriesFailWithinMs: number
}

/** The stores as parts of the council. Asks each Redis for its version. */
export async function storeParts(
  { council, stores, log }: Pick<Config, 'council' | 'stores' | 'log'>,
  { redis, ephemeral, queries, queriesFailWithinMs }: Connections,
  children: Servers['children'],
): Promise<Part[]> {
  // In a cluster only the node that holds this council counts.
  const { log: anyKey } = logKeys(council.id)
  const version = async (client: RedisClient) =>
    /redis_version:(\S+)/.exec(await (await serverOf(client, anyKey)).info('server'))?.[1] ?? ''
  const ping = async (client: RedisClient) => void (await (await serverOf(client, anyKey)).ping())
  const durability = {
    fsync: 'append-only file, fsync before every answer',
    archived: 'DURABILITY=archived: archived in PostgreSQL before every answer',
    memory: 'DURABILITY=memory: nothing survives a crash',
  }[log.durability]
  // Uses the pool of the queries, so that both come to the same verdict.
  const readModels = { look: orFaultOf(children.postgres, queries.ping), withinMs: queriesFailWithinMs }
  return [
    {
      name: 'log',
      kind: stores.redisUrl ? 'real' : 'embedded',
      what: `Redis ${await version(redis)}, ${durability}`,
      look: orFaultOf(children.durable, () => ping(redis)),
    },
    {
      name: 'tokens',
      kind: stores.redisEphemeralUrl ? 'real' : 'embedded',
      what: `Redis ${await version(ephemeral)}, without fsync: only answers that are being streamed`,
      look: orFaultOf(children.ephemeral, () => ping(ephemeral)),
    },
    stores.databaseUrl
      ? { name: 'read models', kind: 'real', what: 'PostgreSQL, with the archive', ...readModels }
      : {
          name: 'read models',
          kind: 'embedded',
          what: 'PGlite, not crash-safe: holds only what the log can rebuild',
          ...readModels,
        },
    { name: 'graph', kind: 'missing', what: 'TigerVector is not used by this version' },
  ]
}

/** Checks a server. If its child process has a fault, the check fails with that fault. */
const orFaultOf = (child: Child | undefined, look: () => Promise<void>) => async (): Promise<void> => {
  const fault = child?.fault()
  if (fault)
    throw new Error(
      `${fault.code}: ${fault.message}; it is started again until it runs, tried ${fault.attempts} times so far`,
    )
  await look()
}
