import type { Check, HealthCheck } from '../../api/health.ts'

/** Something the council stands on: what stands in the table at start, in `/health`, and nobody takes a demo for the real thing. */
export type Part = {
  name: string
  kind: Exclude<Check['kind'], 'internal'>
  /** What it is, in a few words. */
  what: string
  /** Looks whether it works; the message of what it throws says what is wrong. Absent for a part that is missing. */
  look?: () => Promise<void>
  /** How long `look` may take, where it has a bound of its own. */
  withinMs?: number
  /** What was wrong with it at the start, where that may have changed since. */
  atStart?: string
  /** What is wrong with a missing part, and what to do. Without it nobody needs to do anything. */
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
