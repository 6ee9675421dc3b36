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

export type RedisServer = { url: string; port: number; start: () => Promise<void>; kill: () => Promise<void> }

/** Starts redis-server with its data in `dir`, on loopback. */
export async function startRedis(dir: string): Promise<RedisServer> {
  await mkdir(dir)
  const port = await freePort()
  const settings = { ...redisSettings, bind: '127.0.0.1', port: String(port), dir, daemonize: 'no' }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  let server: ChildServer | undefined
  const start = async (): Promise<void> => {
    server = await startChildServer({ command: 'redis-server', args, cwd: dir }, /Ready to accept connections/)
  }
  await start()
  return { url: `redis://127.0.0.1:${port}`, port, start, kill: async () => server?.end('SIGKILL') }
}
