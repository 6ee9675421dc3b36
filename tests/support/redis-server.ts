import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { startRestartable, type Restartable } from './restartable.ts'

export type RedisOptions = {
  /** What `fsync` durability demands is `always`; `no` is for tests that only need speed. Default `always`. */
  appendfsync?: 'always' | 'no'
  /** Default: a free one. */
  port?: number
  /** As a node of a Redis Cluster, which others still have to meet. */
  cluster?: boolean
  /** What it has to begin with lies in this folder, which is the server's from now on. Default: a new one, empty. */
  dir?: string
}

export type RedisServer = Restartable & {
  url: string
  port: number
  /** Where the append-only file lies. */
  dir: string
}

/** A real redis-server with an append-only file in a folder of its own, on loopback; takes commands when this resolves. */
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
    // A node that gives its last slot away would otherwise turn into a replica of the new owner.
    ...(cluster && {
      'cluster-enabled': 'yes',
      'cluster-node-timeout': '5000',
      'cluster-allow-replica-migration': 'no',
    }),
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const server = await startRestartable({
    // A limit on the size of files is an error to it then, as a full disk is, and not a signal that ends it.
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
