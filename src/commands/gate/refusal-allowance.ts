import type { Principal } from '../../events/identifiers.ts'
import type { Clock } from '../../platform/clock.ts'

/** Beyond this rate the gate still answers refusals but does not record them, so that a client cannot fill the log with them. */
export const maxRecordedPerMinute = 600

/** Whether to record another refusal of a principal. Counts only refusals in this process. */
export type RefusalAllowance = (principal: Principal) => boolean

export function refusalAllowance(clock: Clock): RefusalAllowance {
  const recorded = new Map<string, number>()
  let minute = 0
  return (principal) => {
    const now = Math.floor(clock.nowMs() / 60_000)
    if (now !== minute) recorded.clear()
    minute = now
    const before = recorded.get(principal) ?? 0
    if (before >= maxRecordedPerMinute) return false
    recorded.set(principal, before + 1)
    return true
  }
}
