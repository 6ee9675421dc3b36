import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startChildServer } from './child-server.ts'
import { freePort } from './free-port.ts'
import { nodeFlags } from './measured-process.ts'

export const benchToken = 'a-token-for-benchmarks-only-long-enough'
const program = join(import.meta.dirname, '../../src/main.ts')

/** One process of the council, started as an operator does. `url` is for processes with the role `api`. */
export type ServedCouncil = { url: string; pid: number; stop: () => Promise<void> }

export type ServedStores = { redis: string; ephemeral: string; postgres: string }

/**
 * Starts `council serve` with these roles, in a DATA_DIR of its own in `dir`. The prices are the cheapest there are: the budget of the
 * day must last for the whole benchmark.
 */
export async function serveCouncil(
  dir: string,
  roles: string,
  { redis, ephemeral, postgres }: ServedStores,
  settings: Readonly<Record<string, string>>,
): Promise<ServedCouncil> {
  await mkdir(dir)
  const port = await freePort()
  const macKeyFile = join(dir, 'mac-key')
  const pricesFile = join(dir, 'prices.json')
  const cheapest = { name: 'bench', promptMicrosPer1000: 1, completionMicrosPer1000: 1 }
  await writeFile(macKeyFile, `${Buffer.alloc(32, 'bench').toString('base64url')}\n`, { mode: 0o600 })
  await writeFile(pricesFile, JSON.stringify({ default: cheapest, prices: [] }))
  const { PATH = '', HOME = '' } = process.env
  const env = {
    PATH,
    HOME,
    NO_COLOR: '1',
    HOST: '127.0.0.1',
    PORT: String(port),
    DATA_DIR: join(dir, 'data'),
    ADMIN_TOKEN: benchToken,
    MAC_KEY_FILE: macKeyFile,
    PRICES_FILE: pricesFile,
    REDIS_URL: redis,
    REDIS_EPHEMERAL_URL: ephemeral,
    DATABASE_URL: postgres,
    ...settings,
  }
  const args = [...nodeFlags, program, 'serve', '--roles', roles]
  const server = await startChildServer(
    { command: process.execPath, args, cwd: dir, env },
    /"msg":"the council is ready"/,
  )
  return { url: `http://127.0.0.1:${port}`, pid: server.pid, stop: () => server.end('SIGTERM') }
}
