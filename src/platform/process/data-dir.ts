import { chmodSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { isFolder, makeFolders } from './folders.ts'
import { PlatformError, messageOf } from '../platform-error.ts'

/** The paths in a DATA_DIR. */
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
 * Creates the DATA_DIR, or reuses one that a council created before.
 * Throws `data_dir_unusable` for a path that cannot be a folder, and for a folder with foreign content: a DATA_DIR of /tmp or a home
 * folder would lock out every other user.
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
 * For commands that need a DATA_DIR and must not create one: a mistyped path would become a new, empty council.
 * Throws `data_dir_unusable` if the folder does not exist.
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

/** Throws `data_dir_unusable` if the file system denies access. */
function readable<Answer>(dataDir: string, look: () => Answer): Answer {
  try {
    return look()
  } catch (error) {
    throw new PlatformError('data_dir_unusable', `DATA_DIR ${dataDir} cannot be used: ${messageOf(error)}`, error)
  }
}

/**
 * Creates a folder that only this user can enter: nothing else protects the sockets and the token inside.
 * Throws `data_dir_unusable` if it cannot be created or belongs to another user.
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
