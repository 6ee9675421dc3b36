import { signal } from '@preact/signals'
import { council } from '../server.ts'
import type { BudgetRow } from '../shell/standing.ts'
import { load, loading } from '../loaded.ts'

export const groupings = ['member', 'model', 'agent', 'user', 'phase', 'hour', 'day'] as const
export type Grouping = (typeof groupings)[number]

/** One group of costs: its key is under the name of the grouping. */
export type CostRow = Partial<Record<Grouping, string | null>> & {
  calls: number
  costMicros: number
  promptTokens: number
  completionTokens: number
  positions: { first: string; last: string }
}

export type AccountRow = { account: string; status: string; balanceMicros: number; reservedMicros: number }

export type EntryRow = {
  occurredAt: string
  counterparties: readonly string[]
  reason: string
  amountMicros: number
  balanceMicros: number
  position: string
}

export const budgets = loading<readonly BudgetRow[]>()
export const costs = loading<readonly CostRow[]>()
export const accounts = loading<readonly AccountRow[]>()
export const grouping = signal<Grouping>('member')

/** A day of the browser's time zone, in which the figures are asked for. */
export const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone
const today = (): string => new Date().toLocaleDateString('sv-SE')

export async function loadMoney(): Promise<void> {
  await Promise.all([
    load(budgets, '/v1/budgets', 'budgets'),
    load(accounts, '/v1/treasury/accounts', 'accounts'),
    loadCosts(grouping.value),
  ])
}

export async function loadCosts(by: Grouping): Promise<void> {
  grouping.value = by
  await load(costs, '/v1/costs', 'costs', { query: { groupBy: by, from: today(), timeZone } })
}

const newestEntries = 50

/** The newest entries of an account, newest first. The CSV file has all of them. Throws ClientError. */
export async function statementOf(account: string): Promise<readonly EntryRow[]> {
  const path = `/v1/treasury/accounts/${encodeURIComponent(account)}/entries`
  const { body } = await council.read<{ entries: EntryRow[] }>(path, { query: { limit: newestEntries } })
  return body.entries
}
