import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Names the time since this machine was started: another one after every reboot. Undefined where the system does not tell. */
export const bootId = (): string | undefined => bootIdOfProc() ?? bootIdOfSysctl()

function bootIdOfProc(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
  } catch {
    return undefined
  }
}

/** macOS. Not its kern.boottime: that moves whenever the clock is set. */
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
