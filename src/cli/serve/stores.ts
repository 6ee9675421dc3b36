import { logKeys } from '../../events/log/keys.ts'
import type { Child, ChildReport } from '../../platform/process/children.ts'
import type { Config } from '../../platform/config/config.ts'
import { startEmbeddedPostgres } from '../../platform/postgres/embedded-postgres.ts'
import { startEmbeddedRedis } from '../../platform/redis/embedded-redis.ts'
import type { Logger } from '../../platform/logger.ts'
import { connectPostgres, type Postgres } from '../../platform/postgres/postgres.ts'
import { serverOf, type RedisClient } from '../../platform/redis/cluster.ts'
import { connectRedis, whenRedisReady, type RedisRole } from '../../platform/redis/connection.ts'
import type { Closing } from './closing.ts'
import type { Part } from './part.ts'
import { allStarted, inStep } from './start-failure.ts'
import type { Steps } from './steps.ts'

const maxPostgresConnections = 8
const connectWithinMs = 10_000
/** Together under 5 s: so soon a query is answered while Postgres is away. */
const queryLimits = { connectTimeoutMs: 2_000, transactionTimeoutMs: 2_500 }
const queriesNoticeWithinMs = queryLimits.connectTimeoutMs + queryLimits.transactionTimeoutMs + 500

export type Stores = {
  /** The durable Redis, for commands that answer at once. */
  redis: RedisClient
  ephemeral: RedisClient
  postgres: Postgres<unknown>
  /** A second pool on the same database for interactive queries: it fails early instead of answering late. */
  queries: Postgres<unknown>
  /** Opens another connection. The caller closes it. */
  connect: (to: 'durable' | 'ephemeral', role: RedisRole, name: string) => RedisClient
  parts: Part[]
}

/**
 * Connects to the servers in the configuration and starts an embedded one in the place of each that is not there.
 * `closing` stops everything in an order in which no part loses the writes of another.
 */
export async function openStores(
  config: Config,
  closing: Pick<Closing, 'defer'>,
  steps: Steps,
  logger: Logger,
): Promise<Stores> {
  const { dataDir } = config
  const onReport = (report: ChildReport): void => {
    if (report.kind === 'restarted') logger.warn(report, 'a child process was started again')
    else
      logger.error(
        { ...report, code: report.fault.code },
        report.kind === 'ended'
          ? 'a child process ended by itself; it is started again'
          : 'a child process could not be started again; it is tried again',
      )
  }
  const children: Children = {}
  const redisOf = async (role: 'durable' | 'ephemeral', given: string | undefined): Promise<string> => {
    if (given) return given
    const { url, child } = await startEmbeddedRedis({
      dataDir,
      role,
      onReport,
      onInstalling: () => steps.step('installing redis-server'),
    })
    closing.defer(child.stop, role === 'durable' ? 'the embedded Redis' : 'the embedded ephemeral Redis')
    children[role] = child
    return url
  }

  const postgresOf = async (given: string | undefined): Promise<string> => {
    if (given) return given
    const { url, child } = await startEmbeddedPostgres(dataDir, onReport)
    closing.defer(child.stop, 'the embedded Postgres')
    children.postgres = child
    return url
  }

  steps.step('starting Redis')
  // Before the others: it may have to install redis-server.
  const durable = await inStep('starting Redis', () => redisOf('durable', config.redisUrl?.reveal()))
  steps.step('starting Postgres')
  const [ephemeral, databaseUrl] = await allStarted([
    inStep('starting the ephemeral Redis', () => redisOf('ephemeral', config.redisEphemeralUrl?.reveal())),
    inStep('starting Postgres', () => postgresOf(config.databaseUrl?.reveal())),
  ])
  const urls = { durable, ephemeral }

  const connect: Stores['connect'] = (to, role, name) =>
    connectRedis({ url: urls[to], role, name: `council-${config.councilId}-${name}`, logger })
  const redis = connect('durable', 'command', 'command')
  const tokens = connect('ephemeral', 'command', 'tokens')
  closing.defer(() => {
    redis.disconnect()
    tokens.disconnect()
  }, 'the connections to Redis')
  await allStarted([
    inStep('connecting to Redis', () => whenRedisReady(redis, connectWithinMs)),
    inStep('connecting to the ephemeral Redis', () => whenRedisReady(tokens, connectWithinMs)),
  ])
  const postgres = connectPostgres<unknown>({ url: databaseUrl, maxConnections: maxPostgresConnections, logger })
  closing.defer(postgres.close, 'the connections to Postgres')
  await inStep('connecting to Postgres', postgres.ping)
  const queries = connectPostgres<unknown>({
    url: databaseUrl,
    maxConnections: maxPostgresConnections,
    logger,
    name: 'council-queries',
    ...queryLimits,
  })
  closing.defer(queries.close, 'the connections for queries')

  return {
    redis,
    ephemeral: tokens,
    postgres,
    queries,
    connect,
    parts: await describe(config, redis, tokens, queries, children),
  }
}

type Children = Partial<Record<'durable' | 'ephemeral' | 'postgres', Child>>

/** Looks at what a child serves; where it does not answer, the cause is the child's own. */
const orFaultOf = (child: Child | undefined, look: () => Promise<void>) => async (): Promise<void> => {
  const fault = child?.fault()
  if (fault)
    throw new Error(
      `${fault.code}: ${fault.message}; it is started again until it runs, tried ${fault.attempts} times so far`,
    )
  await look()
}

async function describe(
  config: Config,
  redis: RedisClient,
  ephemeral: RedisClient,
  queries: Postgres<unknown>,
  children: Children,
): Promise<Part[]> {
  // In a cluster only the node that holds this council counts.
  const { log: anyKey } = logKeys(config.councilId)
  const version = async (client: RedisClient) =>
    /redis_version:(\S+)/.exec(await (await serverOf(client, anyKey)).info('server'))?.[1] ?? ''
  const ping = async (client: RedisClient) => void (await (await serverOf(client, anyKey)).ping())
  const durability = {
    fsync: 'append-only file, fsync before every answer',
    archived: 'DURABILITY=archived: archived in PostgreSQL before every answer',
    memory: 'DURABILITY=memory: nothing survives a crash',
  }[config.durability]
  // Looked at in the way that queries go, so that both come to the same verdict.
  const readModels = { look: orFaultOf(children.postgres, queries.ping), withinMs: queriesNoticeWithinMs }
  return [
    {
      name: 'log',
      kind: config.redisUrl ? 'real' : 'embedded',
      what: `Redis ${await version(redis)}, ${durability}`,
      look: orFaultOf(children.durable, () => ping(redis)),
    },
    {
      name: 'tokens',
      kind: config.redisEphemeralUrl ? 'real' : 'embedded',
      what: `Redis ${await version(ephemeral)}, without fsync: only answers that are being streamed`,
      look: orFaultOf(children.ephemeral, () => ping(ephemeral)),
    },
    config.databaseUrl
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
