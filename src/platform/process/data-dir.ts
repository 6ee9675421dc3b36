import { chmodSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { isFolder, makeFolders } from './folders.ts'
import { PlatformError, messageOf } from '../platform-error.ts'

/** Where everything lies in a DATA_DIR. */
export const dataPaths = (dataDir: string) =>
  ({
    lock: join(dataDir, 'lock'),
    serverFile: join(dataDir, 'server.json'),
    startFile: join(dataDir, 'start.json'),
    logs: join(dataDir, 'logs'),
    run: join(dataDir, 'run'),
    adminToken: join(dataDir, 'admin-token'),
    macKey: join(dataDir, 'mac-key'),
    sealKey: join(dataDir, 'seal-key.pem'),
    seals: join(dataDir, 'seals.jsonl'),
    redis: join(dataDir, 'redis'),
    redisEphemeral: join(dataDir, 'redis-ephemeral'),
    pglite: join(dataDir, 'pglite'),
  }) as const

/**
 * Makes the DATA_DIR, or takes one that a council made before.
 * Throws `data_dir_unusable` for a path that cannot be a folder, and for a folder of something else: a DATA_DIR of /tmp or a home
 * folder would be closed to every other user.
 */
export function makeDataDir(dataDir: string): void {
  if (holdsSomethingElse(dataDir))
    throw new PlatformError(
      'data_dir_unusable',
      `${dataDir} holds something else already; set DATA_DIR to a folder that is empty or new`,
    )
  makePrivateDir(dataDir)
}

/**
 * For commands that need a DATA_DIR and must not make one: a mistyped path would become a new, empty council.
 * Throws `data_dir_unusable` where there is no such folder.
 */
export function assertDataDir(dataDir: string): void {
  const exists = readable(dataDir, () => isFolder(dataDir))
  if (!exists)
    throw new PlatformError(
      'data_dir_unusable',
      `there is no folder ${dataDir}: check DATA_DIR; only a start makes a new one`,
    )
}

function holdsSomethingElse(dataDir: string): boolean {
  const known = Object.values(dataPaths(dataDir)).map((path) => basename(path))
  return readable(dataDir, () => {
    const hasLock = statSync(dataPaths(dataDir).lock, { throwIfNoEntry: false })?.isFile() ?? false
    return !hasLock && isFolder(dataDir) && readdirSync(dataDir).some((name) => !known.includes(name))
  })
}

/** Throws `data_dir_unusable` where the file system does not let us look. */
function readable<Answer>(dataDir: string, look: () => Answer): Answer {
  try {
    return look()
  } catch (error) {
    throw new PlatformError('data_dir_unusable', `DATA_DIR ${dataDir} cannot be used: ${messageOf(error)}`, error)
  }
}

/**
 * Makes a folder that nobody but this user can enter: sockets and the token inside are guarded by that alone.
 * Throws `data_dir_unusable` when it cannot be made or belongs to somebody else.
 */
export function makePrivateDir(path: string): void {
  try {
    makeFolders(path)
    chmodSync(path, 0o700)
  } catch (error) {
    throw new PlatformError(
      'data_dir_unusable',
      `${path} cannot be made a folder of this user alone: ${messageOf(error)}`,
      error,
    )
  }
}
