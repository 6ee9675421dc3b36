import { setTimeout as delay } from 'node:timers/promises'
import { processTable } from './process-table.ts'

/** Functions for processes that are not, or no longer, children of this one. */

/** The start time of a process; with the pid it identifies one process for ever. Undefined if the process has ended. */
export const startTicks = (pid: number): number | undefined => processTable.startOf(pid)

/** Sends a signal to a process, or with `group` to all of its group. False if it has ended already. */
export function signal(pid: number, name: NodeJS.Signals, { group }: { group: boolean }): boolean {
  try {
    return process.kill(group ? -pid : pid, name)
  } catch {
    return false
  }
}

/** Ends a process that is not our child: SIGTERM, after `graceMs` SIGKILL to its whole group. Resolves when it has ended. */
export async function endProcess(pid: number, graceMs: number): Promise<void> {
  const started = startTicks(pid)
  if (started === undefined) return
  const isGone = (): boolean => startTicks(pid) !== started
  signal(pid, 'SIGTERM', { group: false })
  if (await becomesTrue(isGone, graceMs)) return
  signal(pid, 'SIGKILL', { group: true })
  await becomesTrue(isGone, Number.POSITIVE_INFINITY)
}

/** Polls, because the kernel reports the end of a process only to its parent. */
async function becomesTrue(condition: () => boolean, limitMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < limitMs; waitedMs += 20) {
    if (condition()) return true
    await delay(20)
  }
  return condition()
}
