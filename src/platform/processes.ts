import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Questions about processes that are not (or no longer) children of this one, answered by Linux' /proc.
 * A zombie counts as gone: in a container without an init nobody ever collects it.
 */

/** When a process started, in the kernel's ticks since boot: together with the pid it names one process for ever. Undefined when it is gone. */
export function startTicks(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses and may hold anything, so fields are counted from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19])
  } catch {
    return undefined
  }
}

/** The command line of a process, or undefined when it is gone. */
export function commandLine(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return text === '' ? undefined : text.replace(/\0$/, '').split('\0')
  } catch {
    return undefined
  }
}

/** All processes with exactly this command line. */
export function processesRunning(command: readonly string[]): number[] {
  const wanted = command.join('\0')
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger)
  return pids.filter((pid) => commandLine(pid)?.join('\0') === wanted)
}

/** Sends a signal to a process, or with `group` to all of its group. False when it is gone already. */
export function signal(pid: number, name: NodeJS.Signals, { group }: { group: boolean }): boolean {
  try {
    return process.kill(group ? -pid : pid, name)
  } catch {
    return false
  }
}

/** Ends a process that is not our child: SIGTERM, after `graceMs` SIGKILL to its whole group. Resolves when it is gone. */
export async function endProcess(pid: number, graceMs: number): Promise<void> {
  const started = startTicks(pid)
  if (started === undefined) return
  const isGone = (): boolean => startTicks(pid) !== started
  signal(pid, 'SIGTERM', { group: false })
  if (await becomesTrue(isGone, graceMs)) return
  signal(pid, 'SIGKILL', { group: true })
  await becomesTrue(isGone, Number.POSITIVE_INFINITY)
}

/** The kernel tells nobody but the parent when a process ends, so this has to look again and again. */
async function becomesTrue(condition: () => boolean, limitMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < limitMs; waitedMs += 20) {
    if (condition()) return true
    await delay(20)
  }
  return condition()
}
