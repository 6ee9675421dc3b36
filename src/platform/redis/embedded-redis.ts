import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startChild, type Child, type ChildReport } from '../process/children.ts'
import { dataPaths, makePrivateDir } from '../process/data-dir.ts'
import { silentLogger } from '../logger.ts'
import { connectRedis, whenRedisReady } from './connection.ts'
import { provideRedisServer } from './find-redis-server.ts'
import { bootId } from '../process/boot-id.ts'
import { emptyAfterReboot } from '../process/same-boot.ts'
import { socketDir } from '../process/socket-dir.ts'

export type EmbeddedRedisRole =
  /** The log: an acknowledged write survives a power cut. */
  | 'durable'
  /** Token streams: a write survives the death of the process, not a power cut. */
  | 'ephemeral'

export type EmbeddedRedis = { url: string; child: Child }

export type EmbeddedRedisOptions = {
  dataDir: string
  role: EmbeddedRedisRole
  onReport: (report: ChildReport) => void
  /** Called before redis-server is installed, which takes up to a minute. */
  onInstalling?: () => void
  /** The PATH in which redis-server is looked up first. */
  pathVariable?: string
}

/** An append-only file loads at some hundred MB a second, so this is enough for tens of GB. */
const readyTimeoutMs = 300_000
/** On SIGTERM Redis calls fsync before it ends, which takes long on a busy disk. */
const stopGraceMs = 10_000

/**
 * Runs a Redis on a DATA_DIR, on a Unix socket that only this user can open, and on no port. Only for the holder of the DATA_DIR's
 * lock, after `endOrphans`. Resolves when its data is loaded.
 * Throws `redis_missing` if there is no redis-server and none can be installed, and `child_not_ready` if it does not start.
 */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const { dataDir, role, onReport, onInstalling = () => {}, pathVariable = process.env['PATH'] ?? '' } = options
  const command = await provideRedisServer(pathVariable, onInstalling)
  const name = role === 'durable' ? 'redis' : 'redis-ephemeral'
  const dir = role === 'durable' ? dataPaths(dataDir).redis : dataPaths(dataDir).redisEphemeral
  makePrivateDir(dir)
  // After a power cut a token stream may lack text that a client has seen. No answer continues from a stream without its beginning.
  if (role === 'ephemeral') emptyAfterReboot(dir, bootId())
  const socket = join(socketDir(dataDir), `${name}.sock`)
  const url = `unix://${pathToFileURL(socket).pathname}`
  const args = Object.entries({ ...settingsOf(role), unixsocket: socket, dir }).flatMap(([key, value]) => [
    `--${key}`,
    value,
  ])
  const waitUntilReady = (_: unknown, abandoned: AbortSignal): Promise<void> => answers(url, abandoned)
  const child = await startChild(
    { name, command, args, waitUntilReady, readyTimeoutMs, stopGraceMs },
    { dataDir, onReport },
  )
  return { url, child }
}

const sharedSettings = {
  port: '0',
  unixsocketperm: '700',
  daemonize: 'no',
  // The command line must not change, because an orphaned process is recognised by it.
  'set-proc-title': 'no',
  databases: '1',
  appendonly: 'yes',
  // Redis drops a truncated tail, in which nothing was acknowledged.
  'aof-load-truncated': 'yes',
  save: '',
} as const

function settingsOf(role: EmbeddedRedisRole): Record<string, string> {
  switch (role) {
    case 'durable':
      return { ...sharedSettings, appendfsync: 'always', 'maxmemory-policy': 'noeviction' }
    case 'ephemeral':
      return { ...sharedSettings, appendfsync: 'no', maxmemory: '512mb', 'maxmemory-policy': 'volatile-ttl' }
    default:
      return role satisfies never
  }
}

async function answers(url: string, abandoned: AbortSignal): Promise<void> {
  const redis = connectRedis({ url, role: 'command', name: 'startup', logger: silentLogger })
  try {
    await whenRedisReady(redis, readyTimeoutMs, abandoned)
    await redis.ping()
  } finally {
    redis.disconnect()
  }
}
