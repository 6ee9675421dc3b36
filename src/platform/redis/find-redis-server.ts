import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { childEnvironment } from '../process/child-environment.ts'
import { PlatformError, messageOf } from '../platform-error.ts'

const run = promisify(execFile)
const installScript = join(import.meta.dirname, '../../../bin/install-redis.sh')
const minMajor = 7
/** The folders of Debian, then of Homebrew on Apple silicon and on Intel; the PATH of a service manager lacks them. */
const usualPlaces = [
  '/usr/bin',
  '/usr/local/bin',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/redis/bin',
  '/usr/local/opt/redis/bin',
]

const instructions = `install redis-server ${minMajor} or newer (on macOS: brew install redis), or set REDIS_URL and REDIS_EPHEMERAL_URL to servers that run`

/** A redis-server of this machine; `tooOld` if all of them are older than version 7. */
export type FoundRedis = { path: string } | 'tooOld' | 'missing'

/** Looks in the folders of PATH, then in the usual places. Versions before 7 lack features that the log's scripts need. */
export async function findRedisServer(
  pathVariable: string,
  places: readonly string[] = usualPlaces,
): Promise<FoundRedis> {
  const folders = [...pathVariable.split(delimiter).filter(isAbsolute), ...places]
  const candidates = [...new Set(folders.map((folder) => join(folder, 'redis-server')))].filter(isExecutable)
  for (const path of candidates) {
    if ((await majorVersion(path)) >= minMajor) return { path }
  }
  return candidates.length === 0 ? 'missing' : 'tooOld'
}

/**
 * The path of a redis-server. Installs a missing one where that is possible (Debian, as root), and calls `onInstalling` before,
 * because an installation takes up to a minute. Never replaces an older server, because other programs may use it.
 * Throws `redis_missing` with instructions.
 */
export async function provideRedisServer(pathVariable: string, onInstalling: () => void): Promise<string> {
  const found = await findRedisServer(pathVariable)
  if (found === 'tooOld')
    throw new PlatformError('redis_missing', `The redis-server here is older than ${minMajor}: ${instructions}`)
  if (found !== 'missing') return found.path
  if (process.getuid?.() !== 0 || !isExecutable('/usr/bin/apt-get'))
    throw new PlatformError(
      'redis_missing',
      `There is no redis-server here, and only root on Debian could install it: ${instructions}`,
    )

  onInstalling()
  try {
    await run(installScript, { env: childEnvironment({}, { installs: true }) })
  } catch (error) {
    throw new PlatformError(
      'redis_missing',
      `Installing redis-server failed: ${messageOf(error)}\nTo go on, ${instructions}`,
      error,
    )
  }
  const installed = await findRedisServer(pathVariable)
  if (installed === 'missing' || installed === 'tooOld')
    throw new PlatformError(
      'redis_missing',
      `This system offers no redis-server of version ${minMajor}: ${instructions}`,
    )
  return installed.path
}

async function majorVersion(path: string): Promise<number> {
  try {
    const { stdout } = await run(path, ['--version'], { env: childEnvironment() })
    return Number(/ v=(\d+)\./.exec(stdout)?.[1] ?? 0)
  } catch {
    return 0
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
