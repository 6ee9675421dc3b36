import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { startRestartable, type Restartable } from './restartable.ts'

export type RedisOptions = {
  /** `fsync` durability needs `always`, the default; `no` is for tests that only need speed. */
  appendfsync?: 'always' | 'no'
  /** Default: a free one. */
  port?: number
  /** Starts a node of a Redis Cluster, which the other nodes still have to meet. */
  cluster?: boolean
  /** A folder with the initial data, which the server then owns. Default: a new, empty folder. */
  dir?: string
}

export type RedisServer = Restartable & {
  url: string
  port: number
  /** The folder of the append-only file. */
  dir: string
}

/**
 * A real redis-server with an append-only file in a folder of its own, on loopback; takes commands when this resolves.
 */
export async function startRedis({
  appendfsync = 'always',
  port: wantedPort,
  cluster = false,
  dir: filledDir,
}: RedisOptions = {}): Promise<RedisServer> {
  const dir = filledDir ?? (await mkdtemp(join(tmpdir(), 'redis-')))
  const port = wantedPort ?? (await freePort())
  const settings: Record<string, string> = {
    bind: '127.0.0.1',
    port: String(port),
    dir,
    appendonly: 'yes',
    appendfsync,
    save: '',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
    // Otherwise a node that gives its last slot away becomes a replica of the new owner.
    ...(cluster && {
      'cluster-enabled': 'yes',
      'cluster-node-timeout': '5000',
      'cluster-allow-replica-migration': 'no',
    }),
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const server = await startRestartable({
    // Redis then sees a limit on file sizes as an error, like a full disk, and not as a signal that kills it.
    program: {
      command: 'sh',
      args: ['-c', 'trap "" XFSZ; exec redis-server "$@"', 'redis-server', ...args],
      endSignal: 'SIGTERM',
    },
    readyLine: /Ready to accept connections/,
    crashSignal: 'SIGKILL',
    dir,
  })
  return { ...server, url: `redis://127.0.0.1:${port}`, port, dir }
}
