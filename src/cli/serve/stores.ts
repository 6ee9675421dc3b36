import type { Config } from '../../platform/config/config.ts'
import type { Logger } from '../../platform/logger.ts'
import { connectPostgres, type Postgres } from '../../platform/postgres/postgres.ts'
import type { RedisClient } from '../../platform/redis/cluster.ts'
import { connectRedis, whenRedisReady, type RedisRole } from '../../platform/redis/connection.ts'
import type { Closing } from './closing.ts'
import { startMissingServers } from './embedded-servers.ts'
import type { Part } from './part.ts'
import { allStarted, inStep } from './start-failure.ts'
import type { Steps } from './steps.ts'
import { storeParts } from './store-parts.ts'

const maxPostgresConnections = 8
const connectWithinMs = 10_000
/** Together under 5 s, the time within which a query is answered while Postgres is unreachable. */
const queryLimits = { connectTimeoutMs: 2_000, transactionTimeoutMs: 2_500 }
const queriesFailWithinMs = queryLimits.connectTimeoutMs + queryLimits.transactionTimeoutMs + 500

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
 * Connects to the servers in the settings, and to an embedded one in place of each that is missing. `closing` stops everything in an
 * order in which no part loses the writes of another. Throws StartFailed.
 */
export async function openStores(
  config: Pick<Config, 'council' | 'stores' | 'log'>,
  closing: Pick<Closing, 'defer'>,
  steps: Steps,
  logger: Logger,
): Promise<Stores> {
  const { urls, children } = await startMissingServers(config, closing, steps, logger)

  const connect: Stores['connect'] = (to, role, name) =>
    connectRedis({ url: urls[to], role, name: `council-${config.council.id}-${name}`, logger })
  const redis = connect('durable', 'command', 'command')
  const ephemeral = connect('ephemeral', 'command', 'tokens')
  closing.defer(() => {
    redis.disconnect()
    ephemeral.disconnect()
  }, 'the connections to Redis')
  await allStarted([
    inStep('connecting to Redis', () => whenRedisReady(redis, connectWithinMs)),
    inStep('connecting to the ephemeral Redis', () => whenRedisReady(ephemeral, connectWithinMs)),
  ])

  const pool = { url: urls.postgres, maxConnections: maxPostgresConnections, logger }
  const postgres = connectPostgres<unknown>(pool)
  closing.defer(postgres.close, 'the connections to Postgres')
  await inStep('connecting to Postgres', postgres.ping)
  const queries = connectPostgres<unknown>({ ...pool, name: 'council-queries', ...queryLimits })
  closing.defer(queries.close, 'the connections for queries')

  const parts = await storeParts(config, { redis, ephemeral, queries, queriesFailWithinMs }, children)
  return { redis, ephemeral, postgres, queries, connect, parts }
}
