import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { dataPaths, makePrivateDir } from './data-dir.ts'
import { processTable } from './process-table.ts'
import { endProcess, signal, startTicks } from './processes.ts'

/**
 * The record of a child in DATA_DIR/run. It is written before the child starts (without pid) and again after, so that a council
 * which is killed in between leaves no unknown child.
 */
const PidFile = z.strictObject({
  command: z.array(z.string()).min(1),
  process: z.strictObject({ pid: z.int().positive(), startTicks: z.int() }).optional(),
})
export type PidFile = z.infer<typeof PidFile>

export type Orphan = { name: string; pid: number }

export function writePidFile(dataDir: string, name: string, file: PidFile): void {
  const path = pidFilePath(dataDir, name)
  makePrivateDir(dataPaths(dataDir).run)
  writeFileSync(`${path}.new`, JSON.stringify(file), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

export function removePidFile(dataDir: string, name: string): void {
  rmSync(pidFilePath(dataDir, name), { force: true })
}

/**
 * Ends the children that a killed council left on this DATA_DIR, and returns them. Only for the holder of the DATA_DIR's lock, and
 * before anything in it is opened: a Redis that still runs would write the same files as the next one.
 * A process is ended only if its pid, start time and command line match the record: another process may have the pid by now.
 */
export async function endOrphans(dataDir: string, graceMs = 5_000): Promise<Orphan[]> {
  makePrivateDir(dataPaths(dataDir).run)
  const ended = await Promise.all(
    recordedNames(dataDir).map(async (name) => {
      const pids = pidsOf(readPidFile(dataDir, name))
      await Promise.all(pids.map((pid) => endProcess(pid, graceMs)))
      removePidFile(dataDir, name)
      return pids.map((pid) => ({ name, pid }))
    }),
  )
  return ended.flat()
}

/** Kills the children of this process's DATA_DIR and their children at once, for an end that waits for nothing. */
export function killChildren(dataDir: string): void {
  // Their pid files stay: the next start waits until they have ended.
  for (const name of recordedNames(dataDir))
    for (const pid of pidsOf(readPidFile(dataDir, name))) signal(pid, 'SIGKILL', { group: true })
}

/** The names of the children that have a pid file. */
function recordedNames(dataDir: string): string[] {
  const { run } = dataPaths(dataDir)
  const entries = existsSync(run) ? readdirSync(run) : []
  return entries.flatMap((entry) => (entry.endsWith('.json') ? [entry.slice(0, -'.json'.length)] : []))
}

function pidsOf(file: PidFile | undefined): number[] {
  if (file === undefined) return []
  // The council died between writing the file and knowing the pid; the command line holds this DATA_DIR's path, so it is unique enough.
  if (file.process === undefined) return processTable.running(file.command)
  const { pid, startTicks: started } = file.process
  const isTheSame = startTicks(pid) === started && processTable.runs(pid, file.command)
  return isTheSame ? [pid] : []
}

function readPidFile(dataDir: string, name: string): PidFile | undefined {
  try {
    return PidFile.parse(JSON.parse(readFileSync(pidFilePath(dataDir, name), 'utf8')))
  } catch {
    return undefined
  }
}

function pidFilePath(dataDir: string, name: string): string {
  return join(dataPaths(dataDir).run, `${name}.json`)
}
