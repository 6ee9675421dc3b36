import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makePrivateDir } from './data-dir.ts'

/**
 * Empties a folder whose files were written without fsync, unless this machine has been running ever since: after a
 * power cut they may be truncated, which is worse than missing. If that is unknown, it is emptied.
 */
export function emptyAfterReboot(dir: string, boot: string | undefined): void {
  const mark = join(dir, 'boot-id')
  if (boot !== undefined && contentOf(mark) === boot) return
  rmSync(dir, { recursive: true, force: true })
  makePrivateDir(dir)
  if (boot !== undefined) writeFileSync(mark, boot, { mode: 0o600 })
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
