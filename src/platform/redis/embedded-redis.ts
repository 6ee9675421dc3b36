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
  /** Told before redis-server is installed, which takes up to a minute. */
  onInstalling?: () => void
  /** Where to look for redis-server. */
  pathVariable?: string
}

/** Loading an append-only file goes at some hundred MB a second; this is enough for tens of GB. */
const readyTimeoutMs = 300_000
/** SIGTERM makes Redis fsync and end, which waits for a disk that is busy. */
const stopGraceMs = 10_000

/**
 * Runs a Redis of our own on a DATA_DIR, on a Unix socket that only this user can open, on no port. Only for the holder of the
 * DATA_DIR's lock, after `endOrphans`. Resolves when its data is loaded.
 * Throws `redis_missing` when there is none and it cannot be installed, `child_not_ready` when it does not start.
 */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const { dataDir, role, onReport, onInstalling = () => {}, pathVariable = process.env['PATH'] ?? '' } = options
  const command = await provideRedisServer(pathVariable, onInstalling)
  const name = role === 'durable' ? 'redis' : 'redis-ephemeral'
  const dir = role === 'durable' ? dataPaths(dataDir).redis : dataPaths(dataDir).redisEphemeral
  makePrivateDir(dir)
  // The end of a token stream that a power cut took may have been seen by a client; without its beginning no answer goes on from it.
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
  // The command line must stay what it was, because that is how a leftover is recognised.
  'set-proc-title': 'no',
  databases: '1',
  appendonly: 'yes',
  // A tail that a crash cut off is dropped: nothing in it was acknowledged.
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
