import { z } from 'zod'
import { PolicyScope } from '../../events/policy.ts'
import { budgets, selectBudgets, type BudgetCursor, type BudgetRow } from '../../projections/budgets.ts'
import { policies, selectPolicies, type PolicyRow } from '../../projections/policies.ts'
import { prices, selectPrices, type PriceRow } from '../../projections/prices.ts'
import { sequenceCursor } from './page.ts'
import type { Query } from './query.ts'
import { listQuery } from './row-queries.ts'

const BudgetPlace = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d\/[A-Za-z0-9:_.-]{1,128}$/, 'is no cursor of this list')
  .transform((place): BudgetCursor => ({ day: place.slice(0, 10), scope: place.slice(11) }))
  .refine(({ day }) => z.iso.date().safeParse(day).success, 'is no cursor of this list')

/** What scopes may spend, what they have spent, and at which prices. Amounts are integer micro-dollars. */
export const budgetQueries: readonly Query[] = [
  listQuery({
    path: '/v1/budgets',
    scope: 'treasury:read',
    readModel: budgets,
    name: 'budgets',
    cursor: BudgetPlace,
    select: selectBudgets,
    cursorOf: ({ day, scope }) => `${day}/${scope}`,
    print: printBudget,
  }),
  listQuery({
    path: '/v1/policies',
    scope: 'treasury:read',
    readModel: policies,
    name: 'policies',
    cursor: PolicyScope,
    select: (tx, cursor, limit) => selectPolicies(tx, cursor ?? '', limit),
    cursorOf: (row) => row.scope,
    print: printPolicy,
  }),
  listQuery({
    path: '/v1/prices',
    scope: 'treasury:read',
    readModel: prices,
    name: 'prices',
    cursor: sequenceCursor,
    select: selectPrices,
    cursorOf: (row) => String(row.first_sequence),
    print: printPrice,
  }),
]

function printBudget(row: BudgetRow) {
  return {
    scope: row.scope,
    day: row.day,
    terms:
      row.daily_micros === null
        ? null
        : {
            dailyMicros: row.daily_micros,
            softPercent: row.soft_percent,
            onExceed: row.on_exceed,
            timeZone: row.time_zone,
          },
    opensAt: row.opens_at,
    /** The budget reopens at this instant, as a new one. */
    closesAt: row.closes_at,
    spentMicros: row.spent_micros,
    reservedMicros: row.reserved_micros,
    availableMicros: row.daily_micros === null ? null : row.daily_micros - row.spent_micros - row.reserved_micros,
    calls: row.calls,
    openCalls: Object.keys(row.open_calls).length,
    throttledAt: row.throttled_at,
    /** Until the alerts' budget reopens, at `closesAt` in the `timeZone` of the terms. */
    alerts: row.alerts,
    lastPosition: row.last_position,
  }
}

function printPolicy(row: PolicyRow) {
  return {
    scope: row.scope,
    dailyMicros: row.daily_micros,
    softPercent: row.soft_percent,
    onExceed: row.on_exceed,
    timeZone: row.time_zone,
    setBy: row.set_by,
    setAt: row.set_at,
    timesSet: row.times_set,
    lastPosition: row.last_position,
  }
}

function printPrice(row: PriceRow) {
  return {
    priceRef: row.price_ref,
    /** Null: every model without a price of its own. */
    models: row.models,
    promptMicrosPer1000: row.prompt_micros_per_1000,
    cachedPromptMicrosPer1000: row.cached_prompt_micros_per_1000,
    completionMicrosPer1000: row.completion_micros_per_1000,
    /** The first day (UTC) on which it holds; null: always. */
    validFrom: row.valid_from,
    listedBy: row.listed_by,
    listedAt: row.listed_at,
    lastPosition: row.last_position,
  }
}
