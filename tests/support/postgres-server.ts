import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, globSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { isRunning, startServer } from './child.ts'
import { freePort } from './free-port.ts'
import { startRestartable, type Restartable } from './restartable.ts'

const run = promisify(execFile)

/** PostgreSQL's programs refuse to run as root; Debian's packages bring this user. */
const asServerUser = process.getuid?.() === 0 ? { user: 'postgres' } : {}

export type PostgresServer = Restartable & {
  /** The database `postgres`, as superuser `council`; tests make their own with `createDatabase`. */
  url: string
  port: number
  /** Also listens on a Unix socket in this folder. */
  socketDir: string
}

/**
 * A real PostgreSQL with a fresh cluster (fsync on) in a folder of its own, on a free loopback port; takes connections
 * when this resolves.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const programs = findPrograms()
  const dir = await mkdtemp(join(tmpdir(), 'postgres-'))
  const dataDir = join(dir, 'data')
  if (asServerUser.user !== undefined) await run('chown', [asServerUser.user, dir])
  await initialise(join(programs, 'initdb'), dataDir)
  const port = await freePort()
  const args = [
    '-D',
    dataDir,
    '-p',
    String(port),
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    `unix_socket_directories=${dir}`,
  ]
  const server = await startRestartable({
    program: { command: join(programs, 'postgres'), args, cwd: dir, endSignal: 'SIGINT', ...asServerUser },
    readyLine: /database system is ready to accept connections/,
    // The immediate shutdown: nothing is flushed, the next start recovers from the write-ahead log. After a SIGKILL
    // the orphaned backends would still hold the shared memory for a moment and make the next start fail by chance.
    crashSignal: 'SIGQUIT',
    dir,
  })
  return { ...server, url: `postgres://council@127.0.0.1:${port}/postgres`, port, socketDir: dir }
}

/** Creates an empty database on a server, by default under a new name; resolves with its URL. */
export async function createDatabaseOn(
  serverUrl: string,
  name = `test_${randomUUID().replaceAll('-', '')}`,
): Promise<string> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    await client.query(`create database ${name}`)
  } finally {
    await client.end()
  }
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}

/** Folder of `initdb` and `postgres`: the newest that Debian's packages put down, or whatever is on the path. */
function findPrograms(): string {
  const packaged = globSync('/usr/lib/postgresql/*/bin').filter((folder) => existsSync(join(folder, 'initdb')))
  const newest = packaged.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)
  const found = newest ?? (process.env['PATH'] ?? '').split(':').find((folder) => existsSync(join(folder, 'initdb')))
  if (found === undefined)
    throw new Error('PostgreSQL is not installed: bin/test installs it, or apt-get install postgresql')
  return found
}

async function initialise(initdb: string, dataDir: string): Promise<void> {
  // Trust is enough: the server listens on loopback, for one test run, with nothing in it. `--no-sync` speeds up only
  // the making of the cluster.
  const args = ['-D', dataDir, '-U', 'council', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync']
  const child = await startServer(
    { command: initdb, args, cwd: dirname(dataDir), endSignal: 'SIGTERM', ...asServerUser },
    /^Success\./,
  )
  if (isRunning(child)) await once(child, 'exit')
}
