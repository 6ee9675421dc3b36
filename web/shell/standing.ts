import { computed } from '@preact/signals'
import { live, liveRows } from '../live.ts'
import { minute } from './minute.ts'

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

/** The budgets of the newest days. */
export const budgets = liveRows<BudgetRow>(() => 'budgets?limit=200', 'budgets')

/** The figures of the status line; null: not known, or not for this token. */
export const mode = computed<Mode | null>(() => {
  const loaded = live<{ mode: Mode }>('mode?limit=1').value
  return loaded.state === 'there' ? loaded.value.mode : null
})
export const today = computed<BudgetRow | null>(() => {
  const rows = budgets.value.state === 'there' ? budgets.value.value : []
  return rows.find(({ scope, closesAt }) => scope === 'council' && Date.parse(closesAt ?? '') > minute.value) ?? null
})
