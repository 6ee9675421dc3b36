import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { makeFolders } from '../../../platform/process/folders.ts'

/** What is being done, for a person who waits; `done` and `total` in bytes where that makes sense. */
export type Progress = (step: string, done?: number, total?: number) => void

/** A file that is known before it is fetched. */
export type KnownFile = { name: string; bytes: number; sha256: string }

const leftOverAfterMs = 24 * 60 * 60 * 1000
const progressEveryBytes = 4 * 1024 * 1024

/** Whether a file is there and starts like a model in the GGUF format. */
export async function isGguf(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return false
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return bytesRead === 4 && buffer.toString('latin1') === 'GGUF'
  } catch {
    // A folder can be opened but not read.
    return false
  } finally {
    await file.close()
  }
}

/** The path of a cached file, if it is complete. Its size is compared; its content was verified when it was put there. */
export async function cached(cacheDir: string, file: KnownFile): Promise<string | undefined> {
  const path = join(cacheDir, file.name)
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() && found.size === file.bytes ? path : undefined
}

/**
 * Writes a stream into the cache and resolves with its path. It appears there at once and whole, or not at all: it is written under
 * a name of its own, verified (size and SHA-256), flushed, and renamed. Two processes that do this at the same time do not disturb
 * each other; the one that is later replaces the file with the same bytes.
 */
export async function putIntoCache(
  cacheDir: string,
  file: KnownFile,
  content: Readable,
  progress: (done: number) => void,
): Promise<string> {
  makeFolders(cacheDir)
  await removeLeftOvers(cacheDir)
  const partial = join(cacheDir, `.${file.name}.${randomUUID()}.partial`)
  const hash = createHash('sha256')
  let bytes = 0
  let told = 0
  try {
    await pipeline(
      content,
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          bytes += piece.byteLength
          if (bytes > file.bytes) throw new Error(`it is longer than ${file.bytes} bytes`)
          hash.update(piece)
          if (bytes - told >= progressEveryBytes) progress((told = bytes))
          yield piece
        }
      },
      createWriteStream(partial, { flags: 'wx', flush: true }),
    )
    if (bytes !== file.bytes) throw new Error(`it has ${bytes} bytes instead of ${file.bytes}`)
    const sha256 = hash.digest('hex')
    if (sha256 !== file.sha256) throw new Error(`its SHA-256 is ${sha256} instead of ${file.sha256}`)
    const path = join(cacheDir, file.name)
    await rename(partial, path)
    progress(bytes)
    return path
  } finally {
    await rm(partial, { force: true })
  }
}

/** Pieces of downloads that were killed. A day is longer than any download that still runs. */
async function removeLeftOvers(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    if (!name.endsWith('.partial')) continue
    const path = join(cacheDir, name)
    const found = await stat(path).catch(() => undefined)
    if (found && Date.now() - found.mtimeMs > leftOverAfterMs) await rm(path, { force: true })
  }
}
