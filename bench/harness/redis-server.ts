import { mkdir } from 'node:fs/promises'
import { startChildServer, type ChildServer } from './child-server.ts'
import { freePort } from './free-port.ts'

/**
 * The settings for `fsync` durability, for the limit and the council alike. Redis does not rewrite its file during a benchmark,
 * because a rewrite would slow down only the competitor that is measured at that moment.
 */
export const redisSettings = {
  appendonly: 'yes',
  appendfsync: 'always',
  'maxmemory-policy': 'noeviction',
  save: '',
  'auto-aof-rewrite-percentage': '0',
} as const

/** The settings of the ephemeral Redis, as the embedded one has them. */
export const ephemeralRedisSettings = {
  ...redisSettings,
  appendfsync: 'no',
  'maxmemory-policy': 'volatile-ttl',
  maxmemory: '512mb',
} as const

export type RedisServer = {
  url: string
  port: number
  pid: () => number
  start: () => Promise<void>
  kill: () => Promise<void>
}

/** Starts redis-server with its data in `dir`, on loopback. */
export async function startRedis(
  dir: string,
  chosen: Readonly<Record<string, string>> = redisSettings,
): Promise<RedisServer> {
  await mkdir(dir)
  const port = await freePort()
  const settings = { ...chosen, bind: '127.0.0.1', port: String(port), dir, daemonize: 'no' }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  let server: ChildServer | undefined
  const start = async (): Promise<void> => {
    server = await startChildServer({ command: 'redis-server', args, cwd: dir }, /Ready to accept connections/)
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: () => server?.pid ?? 0,
    start,
    kill: async () => server?.end('SIGKILL'),
  }
}
