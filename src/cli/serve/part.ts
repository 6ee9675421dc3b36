import type { Check, HealthCheck } from '../../api/health.ts'

/** A part that the council depends on, as the start banner and `/health` show it, so that no user mistakes a demo for the real system. */
export type Part = {
  name: string
  kind: Exclude<Check['kind'], 'internal'>
  /** A description in a few words. */
  what: string
  /** Checks whether the part works. Throws an error whose message names the fault. Absent for a missing part. */
  look?: () => Promise<void>
  /** How long `look` may take, where it has a bound of its own. */
  withinMs?: number
  /** The fault found at start; the part may have recovered since. */
  atStart?: string
  /** Why a part is missing, and what to do. Absent if no action is needed. */
  warning?: string
}

/** The part as a check of `/health`. */
export const checkOf = (
  { name, kind, what, look, warning, withinMs }: Part,
  { isNeeded }: { isNeeded: boolean },
): HealthCheck => ({
  name,
  kind,
  isNeeded,
  ...(withinMs !== undefined && { withinMs }),
  async look() {
    if (warning) return { status: 'warn', output: warning }
    await look?.()
    return { status: 'pass', output: what }
  },
})
