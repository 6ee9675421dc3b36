/**
 * The embedded Postgres, as a process of its own: PGlite is one WebAssembly thread, and a query would stop the whole council.
 * Arguments: the data folder, the socket's folder. Sends `ready` over the IPC channel when it listens; ends on SIGTERM, and
 * when the channel closes, which is when its parent is gone, however that ended.
 */
import fs from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'

const maxConnections = 32
/** Also frees the database from a client that hangs in the middle of a transaction: everybody else waits for it. */
const idleTimeoutMs = 300_000

const [dataFolder, socketFolder] = process.argv.slice(2)
if (dataFolder === undefined || socketFolder === undefined)
  throw new Error('usage: pglite-child <data folder> <socket folder>')

// Before anything takes long: a parent that stops while we start must not wait for nothing.
let stop = (): void => process.exit(0)
process.on('SIGTERM', () => stop())
process.on('disconnect', () => stop())
// Ctrl-C is the parent's business: it still needs the database while it ends.
process.on('SIGINT', () => {})

// PGlite's file system gives each new file a mode of its own, 0666 or 0644, past the umask.
const { chmodSync, fchmodSync } = fs
const forThisUser = (mode: fs.Mode): fs.Mode => (typeof mode === 'number' ? mode & 0o700 : mode)
fs.chmodSync = (path, mode) => chmodSync(path, forThisUser(mode))
fs.fchmodSync = (file, mode) => fchmodSync(file, forThisUser(mode))

const socket = join(socketFolder, '.s.PGSQL.5432')
const database = await PGlite.create({ dataDir: dataFolder })
// A killed predecessor leaves its socket; the holder of the DATA_DIR's lock knows that nobody listens there.
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
