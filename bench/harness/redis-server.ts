import { mkdir } from 'node:fs/promises'
import { startChildServer, type ChildServer } from './child-server.ts'
import { freePort } from './free-port.ts'

/**
 * What `fsync` durability demands, for the limit as for us. The file is not rewritten while something is measured:
 * a rewrite would hit whoever is running just then.
 */
export const redisSettings = {
  appendonly: 'yes',
  appendfsync: 'always',
  'maxmemory-policy': 'noeviction',
  save: '',
  'auto-aof-rewrite-percentage': '0',
} as const

export type RedisServer = { url: string; port: number; start: () => Promise<void>; kill: () => Promise<void> }

/** A real redis-server in a folder of its own, on loopback. */
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
