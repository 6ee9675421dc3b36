import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { startChildServer } from './child-server.ts'
import { freePort } from './free-port.ts'
import { MissingPrerequisite } from './peers.ts'
import { boundToParent } from './supervised-child.ts'

const run = promisify(execFile)
const maxInitMs = 180_000

/** PostgreSQL's programs refuse to run as root. Debian's packages create this user. */
const asServerUser = process.getuid?.() === 0 ? { user: 'postgres' } : {}

export const postgresSettings = {
  fsync: 'on',
  synchronous_commit: 'on',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
} as const

export type PostgresServer = { url: string; version: string; stop: () => Promise<void> }

/** Starts PostgreSQL with a fresh cluster in `dir` and with fsync on, on loopback. */
export async function startPostgres(dir: string): Promise<PostgresServer> {
  const programs = findPrograms()
  await mkdir(dir)
  if (asServerUser.user !== undefined) await run('chown', [asServerUser.user, dir])
  const dataDir = join(dir, 'data')
  const initdb = ['-D', dataDir, '-U', 'council', '--auth=trust', '--encoding=UTF8', '--locale=C']
  await run(...boundToParent(join(programs, 'initdb'), initdb, asServerUser.user), { cwd: dir, timeout: maxInitMs })
  const port = await freePort()
  const settings = {
    ...postgresSettings,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: dir,
    port: String(port),
  }
  const args = ['-D', dataDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const server = await startChildServer(
    { command: join(programs, 'postgres'), args, cwd: dir, ...asServerUser },
    /database system is ready to accept connections/,
  )
  const { stdout } = await run(join(programs, 'postgres'), ['--version'], { timeout: maxInitMs })
  return {
    url: `postgres://council@127.0.0.1:${port}/postgres`,
    version: stdout.trim(),
    stop: () => server.end('SIGINT'),
  }
}

/** Runs a statement that Postgres accepts only outside of a transaction. */
export async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** The newest version from Debian's packages, or the one on PATH. */
function findPrograms(): string {
  const packaged = globSync('/usr/lib/postgresql/*/bin').toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  const found = [...packaged.toReversed(), ...(process.env['PATH'] ?? '').split(':')].find((folder) =>
    existsSync(join(folder, 'initdb')),
  )
  if (found === undefined)
    throw new MissingPrerequisite('PostgreSQL is not installed. As root, run:\n  tests/install-postgres.sh')
  return found
}
