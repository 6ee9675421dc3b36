import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { dataPaths } from './data-dir.ts'
import { startTicks } from './processes.ts'

/** What a council that is starting says of itself to the command line, until its server file says where it is. */
const StartFile = z.strictObject({
  pid: z.int().positive(),
  startTicks: z.int().optional(),
  startedAt: z.iso.datetime(),
  step: z.string(),
})
export type StartFile = z.infer<typeof StartFile>

/** Says how far this process has come with its start. Only for the holder of the DATA_DIR's lock. */
export function writeStartFile(dataDir: string, startedAt: string, step: string): void {
  const { startFile } = dataPaths(dataDir)
  const ticks = startTicks(process.pid)
  const file: StartFile = { pid: process.pid, ...(ticks !== undefined && { startTicks: ticks }), startedAt, step }
  writeFileSync(`${startFile}.new`, JSON.stringify(file), { mode: 0o600 })
  renameSync(`${startFile}.new`, startFile)
}

export const removeStartFile = (dataDir: string): void => rmSync(dataPaths(dataDir).startFile, { force: true })

/** The start that is under way on a DATA_DIR; undefined where there is none, or the process that began it is gone. */
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
