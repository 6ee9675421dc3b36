import type { Check } from '../../api/health.ts'

/** Something the council stands on: what stands in the table at start, in `/health`, and nobody takes a demo for the real thing. */
export type Part = {
  name: string
  kind: Exclude<Check['kind'], 'internal'>
  /** What it is, in a few words. */
  what: string
  /** Looks whether it works; the message of what it throws says what is wrong. Absent for a part that is missing. */
  look?: () => Promise<void>
  /** What is wrong with a missing part, and what to do. Without it nobody needs to do anything. */
  warning?: string
}

/** The part as a check of `/health`. The council lives on without `optional` ones, with a warning. */
export const checkOf = (part: Part, { optional }: { optional: boolean }) => async (): Promise<Check> => {
  const { name, kind, what, look, warning } = part
  if (warning) return { name, status: 'warn', kind, output: warning }
  try {
    await look?.()
    return { name, status: 'pass', kind, output: what }
  } catch (error) {
    return { name, status: optional ? 'warn' : 'fail', kind, output: error instanceof Error ? error.message : String(error) }
  }
}
