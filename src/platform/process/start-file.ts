import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { dataPaths } from './data-dir.ts'
import { startTicks } from './processes.ts'

/** The progress of a starting council, for the command line until the server file exists. */
const StartFile = z.strictObject({
  pid: z.int().positive(),
  startTicks: z.int().optional(),
  startedAt: z.iso.datetime(),
  step: z.string(),
})
export type StartFile = z.infer<typeof StartFile>

/** Records the progress of this process's start. Only for the holder of the DATA_DIR's lock. */
export function writeStartFile(dataDir: string, startedAt: string, step: string): void {
  const { startFile } = dataPaths(dataDir)
  const ticks = startTicks(process.pid)
  const file: StartFile = { pid: process.pid, ...(ticks !== undefined && { startTicks: ticks }), startedAt, step }
  writeFileSync(`${startFile}.new`, JSON.stringify(file), { mode: 0o600 })
  renameSync(`${startFile}.new`, startFile)
}

export const removeStartFile = (dataDir: string): void => rmSync(dataPaths(dataDir).startFile, { force: true })

/** The start in progress on a DATA_DIR; undefined if there is none or its process has ended. */
export function readStartFile(dataDir: string): StartFile | undefined {
  try {
    const file = StartFile.parse(JSON.parse(readFileSync(dataPaths(dataDir).startFile, 'utf8')))
    if (file.startTicks !== undefined && startTicks(file.pid) !== file.startTicks) return undefined
    process.kill(file.pid, 0)
    return file
  } catch {
    return undefined
  }
}
