import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Of Linux' `statfs`. */
const memoryFileSystems = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
])

/** A folder for the servers' data, on a disk: in memory an fsync costs nothing, and every figure about durability would be a lie. */
export async function makeDataFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const { type } = await statfs(tmpdir())
  const inMemory = memoryFileSystems.get(type)
  if (inMemory !== undefined) throw new Error(`${tmpdir()} is a ${inMemory}: set TMPDIR to a folder on a disk`)
  const path = await mkdtemp(join(tmpdir(), 'council-bench-'))
  // PostgreSQL runs as a user of its own, who has to pass through.
  await chmod(path, 0o711)
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }) }
}
