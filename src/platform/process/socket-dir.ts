import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dataPaths, makePrivateDir } from './data-dir.ts'
import { PlatformError } from '../platform-error.ts'

/** Linux allows 107 bytes for a socket's path, macOS 103; the rest is reserved for file names. */
const maxSocketPathBytes = 100
const longestSocketName = '/redis-ephemeral.sock'

/**
 * The folder for the Unix sockets of a DATA_DIR, made for this user alone: DATA_DIR/run, or where that path is too long for a
 * socket a folder of the system's temporary one. The same DATA_DIR always gets the same folder.
 * Throws `data_dir_unusable` if another user created that folder first: it could expose this user's data.
 */
export function socketDir(dataDir: string, temporary: string = tmpdir()): string {
  const dir = socketDirOf(dataDir, temporary)
  if (dir === dataPaths(dataDir).run) {
    makePrivateDir(dir)
    return dir
  }
  try {
    mkdirSync(dir, { mode: 0o700 })
  } catch (error) {
    if (!isOurs(dir))
      throw new PlatformError(
        'data_dir_unusable',
        `${dir} is not a folder of this user alone; remove it, or choose a shorter DATA_DIR`,
        error,
      )
  }
  return dir
}

/** The same folder for clients: nothing is created or checked. */
export function socketDirOf(dataDir: string, temporary: string = tmpdir()): string {
  const { run } = dataPaths(dataDir)
  if (Buffer.byteLength(run + longestSocketName) <= maxSocketPathBytes) return run
  return join(temporary, `council-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`)
}

/** Every user can create entries in the temporary folder, also links; an existing entry is checked and never changed. */
function isOurs(dir: string): boolean {
  const found = lstatSync(dir, { throwIfNoEntry: false })
  return found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & 0o077) === 0
}
