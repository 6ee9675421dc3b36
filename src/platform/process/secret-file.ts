import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { PlatformError, messageOf } from '../platform-error.ts'

/**
 * The text of a file that holds a secret; `make` creates it on the first start. Two processes that start at the same time get the
 * same secret, and a power cut leaves a complete file or none. Throws `secret_file_unusable` for a file that another user may read
 * or owns, or that cannot be read or created. `self` is this user except in tests.
 */
export function secretFile(path: string, make: () => string, self = process.getuid?.()): string {
  try {
    if (statSync(path, { throwIfNoEntry: false }) === undefined) create(path, make())
    return privateText(path, self)
  } catch (error) {
    throw unusable(path, error)
  }
}

/** The same for a file that another part of the program has created; undefined if it does not exist. Throws `secret_file_unusable`. */
export function readPrivateFile(path: string): string | undefined {
  try {
    return privateText(path, process.getuid?.())
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined
    throw unusable(path, error)
  }
}

const unusable = (path: string, error: unknown): PlatformError =>
  new PlatformError('secret_file_unusable', `the secret in ${path} cannot be used: ${messageOf(error)}`, error)

/** Checks the open file, so that no other file can replace it between the check and the read. */
function privateText(path: string, self: number | undefined): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const { mode, uid } = fstatSync(file)
    // The superuser can read and replace every file anyway.
    if (self !== undefined && uid !== self && uid !== 0)
      throw new Error(`it belongs to another user: chown ${self} ${path} && chmod 600 ${path}`)
    if ((mode & 0o077) !== 0) throw new Error(`others may read it: chmod 600 ${path}`)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

function create(path: string, text: string): void {
  const draft = `${path}.${process.pid}`
  // A crash may have left a draft.
  rmSync(draft, { force: true })
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
    // Another process was faster: its secret counts.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(draft)
  }
}
