import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Identifies the time since the last boot of this machine; it changes with every reboot. Undefined if the system has no such id. */
export const bootId = (): string | undefined => bootIdOfProc() ?? bootIdOfSysctl()

function bootIdOfProc(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
  } catch {
    return undefined
  }
}

/** macOS. kern.boottime would not do, because it changes when the clock is set. */
function bootIdOfSysctl(): string | undefined {
  try {
    return (
      execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim() || undefined
    )
  } catch {
    return undefined
  }
}
