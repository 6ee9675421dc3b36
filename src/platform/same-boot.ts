import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makePrivateDir } from './data-dir.ts'

const kernelBootId = '/proc/sys/kernel/random/boot_id'

/**
 * Empties a folder whose files were written without fsync, unless this machine has been running ever since: after a
 * power cut they may be there without their end, which is worse than not at all. Where nobody can tell, it is emptied.
 */
export function emptyAfterReboot(dir: string, bootIdFile = kernelBootId): void {
  const mark = join(dir, 'boot-id')
  const bootId = contentOf(bootIdFile)
  if (bootId !== undefined && contentOf(mark) === bootId) return
  rmSync(dir, { recursive: true, force: true })
  makePrivateDir(dir)
  if (bootId !== undefined) writeFileSync(mark, bootId, { mode: 0o600 })
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
