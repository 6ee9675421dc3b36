import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { z } from 'zod'
import { dataPaths } from './data-dir.ts'
import { readPrivateFile } from './secret-file.ts'

/** The address and token by which the same user's command line finds a running council. */
const ServerFile = z.strictObject({
  url: z.url(),
  token: z.string().min(1),
  pid: z.int().positive(),
  /** ISO 8601, UTC. */
  startedAt: z.iso.datetime(),
})
export type ServerFile = z.infer<typeof ServerFile>

/** Writes the file atomically, readable by this user alone (0600). */
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
 * The running council's file, or undefined if it is missing or malformed.
 * Throws `secret_file_unusable` for a file that others may read or own: it could send them this user's token.
 */
export function readServerFile(dataDir: string): ServerFile | undefined {
  const text = readPrivateFile(dataPaths(dataDir).serverFile)
  try {
    return text === undefined ? undefined : ServerFile.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Called when the council stops, before it releases the DATA_DIR. */
export function removeServerFile(dataDir: string): void {
  rmSync(dataPaths(dataDir).serverFile, { force: true })
}
