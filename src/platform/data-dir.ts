import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { PlatformError, messageOf } from './platform-error.ts'

/** Where everything lies in a DATA_DIR. */
export const dataPaths = (dataDir: string) =>
  ({
    lock: join(dataDir, 'lock'),
    serverFile: join(dataDir, 'server.json'),
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
 * Throws `data_dir_unusable` for a folder of something else: a DATA_DIR of /tmp or a home folder would be closed to everybody else.
 */
export function makeDataDir(dataDir: string): void {
  const known = Object.values(dataPaths(dataDir)).map((path) => basename(path))
  const entries = statSync(dataDir, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(dataDir) : []
  const hasLock = statSync(dataPaths(dataDir).lock, { throwIfNoEntry: false })?.isFile() ?? false
  if (!hasLock && entries.some((name) => !known.includes(name)))
    throw new PlatformError('data_dir_unusable', `${dataDir} holds something else already; set DATA_DIR to a folder that is empty or new`)
  makePrivateDir(dataDir)
}

/**
 * Makes a folder that nobody but this user can enter: sockets and the token inside are guarded by that alone.
 * Throws `data_dir_unusable` when it cannot be made or belongs to somebody else.
 */
export function makePrivateDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    chmodSync(path, 0o700)
  } catch (error) {
    throw new PlatformError('data_dir_unusable', `${path} cannot be made a folder of this user alone: ${messageOf(error)}`, error)
  }
}
