import type { Clock } from '../../platform/clock.ts'

/** More refusals of one principal in a minute are answered and not recorded: nobody fills the log with what was not done. */
export const maxRecordedPerMinute = 600

/** Whether one more refusal of a principal is recorded. Counts in this process alone. */
export type RefusalAllowance = (principal: string) => boolean

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
