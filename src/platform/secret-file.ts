import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { PlatformError, messageOf } from './platform-error.ts'

/**
 * The text of a file that holds a secret; `make` gives it on the first start, when there is none. Two processes that start
 * together get the same secret, and a power cut leaves a whole file or none. Throws `secret_file_unusable` for a file that
 * others may read, or that cannot be read or made.
 */
export function secretFile(path: string, make: () => string): string {
  try {
    const { mode } = statSync(path, { throwIfNoEntry: false }) ?? create(path, make())
    if ((mode & 0o077) !== 0) throw new Error(`others may read it: chmod 600 ${path}`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new PlatformError('secret_file_unusable', `the secret in ${path} cannot be used: ${messageOf(error)}`, error)
  }
}

function create(path: string, text: string) {
  const draft = `${path}.${process.pid}`
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  try {
    linkSync(draft, path)
  } catch (error) {
    // Somebody else was faster: theirs counts.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(draft)
  }
  return statSync(path)
}
