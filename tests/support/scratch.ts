import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const prefix = 'council-test-'

/**
 * A folder for the temporary files of this process's run. Others may pass through it (not look into it): PostgreSQL
 * runs as a user of its own.
 */
export async function makeScratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`))
  await chmod(folder, 0o711)
  return folder
}

/**
 * Removes the folder. Tries for 10 s, since the servers of an interrupted run may be writing their last files while it
 * goes.
 */
export async function removeScratch(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 13, retryDelay: 100 })
}

/** Removes the folders of runs that were killed before they could. */
export async function removeLeftOvers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) await removeScratch(join(tmpdir(), name))
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
