import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MissingPrerequisite } from './peers.ts'

/** The types that `statfs` reports on Linux. */
const memoryFileSystems = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
])

/** Makes a folder for the servers' data. Refuses memory file systems, where an fsync costs nothing. */
export async function makeDataFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const { type } = await statfs(tmpdir())
  const inMemory = memoryFileSystems.get(type)
  if (inMemory !== undefined)
    throw new MissingPrerequisite(`${tmpdir()} is a ${inMemory}. Set TMPDIR to a folder on a disk.`)
  const path = await mkdtemp(join(tmpdir(), 'council-bench-'))
  // PostgreSQL runs as another user, which must be able to enter its own folder.
  await chmod(path, 0o711)
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }) }
}
