import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { dataPaths, makeDataDir } from './data-dir.ts'
import { PlatformError, messageOf } from '../platform-error.ts'
import { readServerFile } from './server-file.ts'

export type DataDirLock =
  | { held: true; release: () => void }
  /** The owner, from its server file; a council that is still starting has not written one yet. */
  | { held: false; heldBy: number | undefined; url: string | undefined }

const sqliteBusy = 5

/**
 * Takes the lock of a DATA_DIR without waiting, and creates the folder if needed. Two councils on one folder would write
 * the same append-only files and lose data, so nothing in it may be opened before this says `held`.
 *
 * It is an exclusive transaction on an empty SQLite database, because that is the only kernel lock that Node offers: the kernel
 * frees it when the process ends, however it ends, SIGKILL included, so there is never a stale lock to judge. It is a POSIX record
 * lock, which children do not inherit: detached children that outlive a killed council do not keep its lock. For the same reason
 * no other code in this process may open the lock file: closing any descriptor of it would free the lock.
 *
 * Throws `data_dir_unusable` when the folder or the lock file cannot be used.
 */
export function acquireDataDirLock(dataDir: string): DataDirLock {
  makeDataDir(dataDir)
  const { lock, serverFile, startFile } = dataPaths(dataDir)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(lock, { timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy) {
      const holder = readServerFile(dataDir)
      return { held: false, heldBy: holder?.pid, url: holder?.url }
    }
    throw new PlatformError('data_dir_unusable', `${lock} cannot be locked: ${messageOf(error)}`, error)
  }
  // A killed council's server file would send the command line to a dead server, or to another owner of its port.
  rmSync(serverFile, { force: true })
  rmSync(startFile, { force: true })
  const held = database
  return { held: true, release: () => held.close() }
}
