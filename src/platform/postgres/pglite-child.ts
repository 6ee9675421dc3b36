/**
 * The embedded Postgres in a separate process: PGlite is one WebAssembly thread, and a query would block the whole council.
 * Arguments: the data folder, the socket's folder. Sends `ready` over the IPC channel when it listens; ends on SIGTERM, and
 * when the channel closes because its parent has ended.
 */
import fs from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'

const maxConnections = 32
/** Also frees the database from a client that hangs in a transaction and blocks all others. */
const idleTimeoutMs = 300_000

const [dataFolder, socketFolder] = process.argv.slice(2)
if (dataFolder === undefined || socketFolder === undefined)
  throw new Error('usage: pglite-child <data folder> <socket folder>')

// Before the slow steps: a parent that stops during our start must not wait for us.
let stop = (): void => process.exit(0)
process.on('SIGTERM', () => stop())
process.on('disconnect', () => stop())
// The parent handles Ctrl-C: it still needs the database while it stops.
process.on('SIGINT', () => {})

// PGlite's file system creates files with mode 0666 or 0644 and ignores the umask.
const { chmodSync, fchmodSync } = fs
const forThisUser = (mode: fs.Mode): fs.Mode => (typeof mode === 'number' ? mode & 0o700 : mode)
fs.chmodSync = (path, mode) => chmodSync(path, forThisUser(mode))
fs.fchmodSync = (file, mode) => fchmodSync(file, forThisUser(mode))

const socket = join(socketFolder, '.s.PGSQL.5432')
const database = await PGlite.create({ dataDir: dataFolder })
// A killed predecessor leaves its socket; the lock on the DATA_DIR proves that no process listens on it.
fs.rmSync(socket, { force: true })
const server = new PGLiteSocketServer({ db: database, path: socket, maxConnections, idleTimeout: idleTimeoutMs })
await server.start()

let isStopping = false
stop = () => {
  if (isStopping) return
  isStopping = true
  void server
    .stop()
    .then(() => database.close())
    .finally(() => process.exit())
}

if (process.connected) process.send?.('ready')
else stop()
