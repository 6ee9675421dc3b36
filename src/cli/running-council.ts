import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { postgresArchive } from '../events/log/archive/archive.ts'
import { logKeys, type LogKeys } from '../events/log/keys.ts'
import type { LogReader } from '../events/log/log.ts'
import { redisLogReader } from '../events/log/redis-log.ts'
import type { ArchiveReader } from '../events/log/read/tiered-read.ts'
import type { Config } from '../platform/config/config.ts'
import { silentLogger } from '../platform/logger.ts'
import { connectPostgres, type Postgres } from '../platform/postgres/postgres.ts'
import type { RedisClient } from '../platform/redis/cluster.ts'
import { connectRedis, whenRedisReady, type RedisRole } from '../platform/redis/connection.ts'
import { readStartFile } from '../platform/process/start-file.ts'
import { socketDirOf } from '../platform/process/socket-dir.ts'
import { CliError } from './failure.ts'

const readyWithinMs = 5_000
/** Generous, since a page of large events from a busy Redis takes long and delays no other command. */
const commandTimeoutMs = 30_000
const maxPostgresConnections = 2

/** The settings that say where the servers of a council are. */
export type CouncilAddress = Pick<Config, 'council' | 'stores'>

/** The durable Redis of a council, opened for reading. */
export type OpenRedis = { redis: RedisClient; connect: (role: RedisRole) => RedisClient; keys: LogKeys }

/**
 * Connects to the durable Redis of a council; `closing` disconnects it. Throws CliError `no_council` when the embedded Redis is not
 * running, and PlatformError `redis_unreachable`.
 */
export async function openRedis(
  { council, stores }: CouncilAddress,
  closing: AsyncDisposableStack,
): Promise<OpenRedis> {
  const url =
    stores.redisUrl?.reveal() ?? embeddedUrl(council.dataDir, 'redis.sock', (socket) => `unix://${encodeURI(socket)}`)
  const connect = (role: RedisRole): RedisClient =>
    connectRedis({ url, role, name: `council-${council.id}-cli`, logger: silentLogger, commandTimeoutMs })
  const redis = connect('command')
  closing.defer(() => redis.disconnect())
  await whenRedisReady(redis, readyWithinMs)
  return { redis, connect, keys: logKeys(council.id) }
}

/**
 * Opens the log of a council for reading, from archive and Redis as one. Throws like `openRedis`, and CliError `no_log` when there is no
 * log; creates none. Connects to Postgres only for events that were trimmed from Redis; reading those throws `no_council` or
 * `postgres_unreachable` when it is unreachable.
 */
export async function openLogForReading(at: CouncilAddress, closing: AsyncDisposableStack): Promise<LogReader> {
  const { redis, connect, keys } = await openRedis(at, closing)
  if ((await redis.hexists(keys.meta, 'incarnation')) === 0)
    throw new CliError(
      'no_log',
      `this Redis holds no log of the council "${at.council.id}"; nothing was ever recorded here`,
    )
  return redisLogReader({ redis, openBlocking: () => connect('blocking'), keys, archive: lazyArchive(at, closing) })
}

/** The archive; connects on first use. */
function lazyArchive(at: CouncilAddress, closing: AsyncDisposableStack): ArchiveReader {
  let opening: Promise<ArchiveReader> | undefined
  const open = (): Promise<ArchiveReader> => (opening ??= openReadModels(at, closing).then(postgresArchive))
  return {
    checkpoint: async () => (await open()).checkpoint(),
    async *read(options) {
      yield* (await open()).read(options)
    },
  }
}

/** Connects to the read models; `closing` disconnects them. Throws CliError `no_council` and PlatformError `postgres_unreachable`. */
export async function openReadModels(
  { council, stores }: CouncilAddress,
  closing: AsyncDisposableStack,
  { statementTimeoutMs = 30_000 } = {},
): Promise<Postgres<unknown>> {
  const url =
    stores.databaseUrl?.reveal() ??
    embeddedUrl(
      council.dataDir,
      '.s.PGSQL.5432',
      (_, folder) => `postgres://postgres@localhost/postgres?host=${encodeURIComponent(folder)}`,
    )
  const postgres = connectPostgres<unknown>({
    url,
    maxConnections: maxPostgresConnections,
    logger: silentLogger,
    name: `council-${council.id}-cli`,
    statementTimeoutMs,
  })
  closing.defer(postgres.close)
  await postgres.ping()
  return postgres
}

/** The address of an embedded server, which listens while its council runs. */
function embeddedUrl(dataDir: string, socketName: string, toUrl: (socket: string, folder: string) => string): string {
  const folder = socketDirOf(dataDir)
  const socket = join(folder, socketName)
  if (!existsSync(socket)) throw noCouncil(`on ${dataDir}`, dataDir)
  return toUrl(socket, folder)
}

/** The error for an unreachable council, `on` a DATA_DIR or `at` an address: none runs, or one is still starting. */
export function noCouncil(where: string, dataDir?: string): CliError {
  const start = dataDir === undefined ? undefined : readStartFile(dataDir)
  if (!start) return new CliError('no_council', `no council is running ${where}: start one with bin/start`)
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(start.startedAt)) / 1_000))
  return new CliError(
    'council_starting',
    `a council is starting ${where} (pid ${start.pid}, for ${seconds} s, now: ${start.step}); try again in a moment`,
  )
}
