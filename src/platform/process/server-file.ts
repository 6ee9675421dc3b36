import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { z } from 'zod'
import { dataPaths } from './data-dir.ts'
import { readPrivateFile } from './secret-file.ts'

/** How the command line of the same user finds a running council, and gets in. */
const ServerFile = z.strictObject({
  url: z.url(),
  token: z.string().min(1),
  pid: z.int().positive(),
  /** ISO 8601, UTC. */
  startedAt: z.iso.datetime(),
})
export type ServerFile = z.infer<typeof ServerFile>

/** Writes the file so that a reader sees all of it or none, and nobody but this user can read it (0600). */
export function writeServerFile(dataDir: string, server: ServerFile): void {
  const { serverFile } = dataPaths(dataDir)
  const unfinished = `${serverFile}.${process.pid}`
  rmSync(unfinished, { force: true })
  const file = openSync(unfinished, 'wx', 0o600)
  try {
    writeSync(file, `${JSON.stringify(server)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(unfinished, serverFile)
}

/**
 * The running council's file, or undefined when there is none or it is not one: both mean that no council has told where it is.
 * Throws `secret_file_unusable` for a file that others may read or own: it could send this user's token to them.
 */
export function readServerFile(dataDir: string): ServerFile | undefined {
  const text = readPrivateFile(dataPaths(dataDir).serverFile)
  try {
    return text === undefined ? undefined : ServerFile.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Called when the council stops, before it lets go of the DATA_DIR. */
export function removeServerFile(dataDir: string): void {
  rmSync(dataPaths(dataDir).serverFile, { force: true })
}
