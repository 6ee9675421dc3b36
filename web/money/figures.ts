import { computed, signal } from '@preact/signals'
import { live, liveRows } from '../live.ts'
import { load, loading } from '../loaded.ts'
import { minute } from '../shell/minute.ts'
import { goTo, search } from '../shell/route.ts'
import { costFields, mostRows } from './cost-query.ts'
import { groupings, type CostRow, type Grouping } from './cost-rows.ts'
import { paceWindowMs } from './forecast.ts'
import { bucketOf, periodOf, searchOf, type Period } from './period.ts'

export type AccountRow = { account: string; status: string; balanceMicros: number; reservedMicros: number }

export type EntryRow = {
  occurredAt: string
  counterparties: readonly string[]
  reason: string
  amountMicros: number
  balanceMicros: number
  position: string
}

/** Costs by user and agent: what the forecast needs. */
type RecentRow = { user: string | null; agent: string | null; costMicros: number }

export const recent = loading<readonly RecentRow[]>()
export const accounts = liveRows<AccountRow>(() => `treasury/accounts?limit=${mostRows}`, 'accounts')

/** Of the address. Midnight moves the days of a preset on. */
export const period = computed<Period>(() => periodOf(search.value, minute.value))
export const grouping = computed<Grouping>(() => {
  const chosen = new URLSearchParams(search.value).get('by')
  return groupings.find((one) => one === chosen) ?? 'member'
})

export const show = (of: Period, by: Grouping): void => goTo(`/money${searchOf(of, by)}`)

/** The spans that were shown before the present one was selected in the plot. */
const earlier = signal<readonly Period[]>([])
export const canZoomOut = computed(() => period.value.preset === null)

export function zoomIn(fromMs: number, toMs: number): void {
  earlier.value = [...earlier.value, period.value]
  show({ fromMs, toMs, preset: null }, grouping.value)
}

/** Back to the period before the last selection, or to today. */
export function zoomOut(): void {
  const before = earlier.value.at(-1) ?? periodOf('', Date.now())
  earlier.value = earlier.value.slice(0, -1)
  show(before, grouping.value)
}

/** The costs of the period by the grouping. */
export const costs = liveRows<CostRow>(
  () => `costs?${costFields(`${bucketOf(period.value)},${grouping.value}`, period.value).toString()}`,
  'costs',
)

/** The costs of the hours from which the forecast takes its pace. */
export const loadRecent = (nowMs: number): Promise<void> =>
  load(recent, '/v1/costs', 'costs', {
    query: { groupBy: 'user,agent', from: new Date(nowMs - paceWindowMs).toISOString(), limit: mostRows },
  })

const newestEntries = 50

/** The newest entries of an account, newest first. The CSV file has all of them. */
export const statementOf = (account: string) =>
  live<{ entries: readonly EntryRow[] }>(
    `treasury/accounts/${encodeURIComponent(account)}/entries?limit=${newestEntries}`,
  )
