/** The cache of model files. */

import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { makeFolders } from '../../../platform/process/folders.ts'

/** Reports the current step to the operator; `done` and `total` are in bytes if they apply. */
export type Progress = (step: string, done?: number, total?: number) => void

/** A file whose size and hash are known before it is fetched. */
export type KnownFile = { name: string; bytes: number; sha256: string }

const orphanedAfterMs = 24 * 60 * 60 * 1000
const progressEveryBytes = 4 * 1024 * 1024

/** Whether a file exists and has the magic number of the GGUF format. */
export async function isGguf(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return false
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return bytesRead === 4 && buffer.toString('latin1') === 'GGUF'
  } catch {
    // A directory can be opened but not read.
    return false
  } finally {
    await file.close()
  }
}

/** The path of a cached file, if it is complete. Only the size is compared: the content was verified when it was cached. */
export async function cached(cacheDir: string, file: KnownFile): Promise<string | undefined> {
  const path = join(cacheDir, file.name)
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() && found.size === file.bytes ? path : undefined
}

/**
 * Writes a stream into the cache atomically and resolves with its path. The file is written under a unique name, verified (size and
 * SHA-256), flushed, and renamed. Concurrent processes are safe: the later one replaces the file with the same bytes.
 */
export async function putIntoCache(
  cacheDir: string,
  file: KnownFile,
  content: Readable,
  progress: (done: number) => void,
): Promise<string> {
  makeFolders(cacheDir)
  await removeOrphans(cacheDir)
  const partial = join(cacheDir, `.${file.name}.${randomUUID()}.partial`)
  const hash = createHash('sha256')
  let bytes = 0
  let reported = 0
  try {
    await pipeline(
      content,
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          bytes += piece.byteLength
          if (bytes > file.bytes) throw new Error(`it is longer than ${file.bytes} bytes`)
          hash.update(piece)
          if (bytes - reported >= progressEveryBytes) progress((reported = bytes))
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

/** Removes partial files of killed downloads: no running download is a day old. */
async function removeOrphans(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    if (!name.endsWith('.partial')) continue
    const path = join(cacheDir, name)
    const found = await stat(path).catch(() => undefined)
    if (found && Date.now() - found.mtimeMs > orphanedAfterMs) await rm(path, { force: true })
  }
}
