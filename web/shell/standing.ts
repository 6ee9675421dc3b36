import { signal } from '@preact/signals'
import { ClientError } from '../../src/client/client-error.ts'
import { council, faultOf } from '../server.ts'

export type Mode = 'manual' | 'supervised' | 'autonomous'
export type BudgetTerms = { dailyMicros: number; softPercent: number; timeZone: string }

/** A row of `GET /v1/budgets`. */
export type BudgetRow = {
  scope: string
  day: string
  spentMicros: number
  reservedMicros: number
  opensAt: string | null
  closesAt: string | null
  terms: BudgetTerms | null
}

/** What the status line says; null: not known yet. `fault` says why the server could not be asked. */
export const mode = signal<Mode | null>(null)
export const today = signal<BudgetRow | null>(null)
export const fault = signal<string | null>(null)

const isOfToday = ({ scope, closesAt }: BudgetRow): boolean =>
  scope === 'council' && closesAt !== null && Date.parse(closesAt) > Date.now()

/** Asks the server how the council stands, at a position or later. A token without a scope leaves the figure behind it out. */
export async function refreshStanding(after: string | null = null): Promise<void> {
  try {
    const [governance, money] = await Promise.all([
      unlessForbidden(council.read<{ mode: Mode }>('/v1/mode', { after, retryForMs: 0 })),
      unlessForbidden(council.read<{ budgets: BudgetRow[] }>('/v1/budgets', { retryForMs: 0 })),
    ])
    mode.value = governance?.body.mode ?? null
    today.value = money?.body.budgets.find(isOfToday) ?? null
    fault.value = null
  } catch (error) {
    fault.value = faultOf(error)
  }
}

async function unlessForbidden<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ClientError && error.status === 403) return null
    throw error
  }
}
