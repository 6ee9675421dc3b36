import { signal } from '@preact/signals'
import { council, isSignedOut, messageOf, signInAgain } from '../server.ts'

export type Mode = 'manual' | 'supervised' | 'autonomous'
/** A row of `GET /v1/budgets`. */
export type BudgetRow = {
  scope: string
  day: string
  spentMicros: number
  reservedMicros: number
  closesAt: string | null
  terms: { dailyMicros: number; softPercent: number; timeZone: string } | null
}

/** What the status line says; null: not known yet. `fault` says why the server could not be asked. */
export const mode = signal<Mode | null>(null)
export const today = signal<BudgetRow | null>(null)
export const fault = signal<string | null>(null)

const isOfToday = ({ scope, closesAt }: BudgetRow): boolean =>
  scope === 'council' && closesAt !== null && Date.parse(closesAt) > Date.now()

/** Asks the server how the council stands, at a position or later. */
export async function refreshStanding(after: string | null = null): Promise<void> {
  try {
    const [{ body: governance }, { body: money }] = await Promise.all([
      council.read<{ mode: Mode }>('/v1/mode', { after, retryForMs: 0 }),
      council.read<{ budgets: BudgetRow[] }>('/v1/budgets', { retryForMs: 0 }),
    ])
    mode.value = governance.mode
    today.value = money.budgets.find(isOfToday) ?? null
    fault.value = null
  } catch (error) {
    if (isSignedOut(error)) return signInAgain()
    fault.value = messageOf(error)
  }
}
