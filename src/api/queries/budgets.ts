import { z } from 'zod'
import { onExceedModes, PolicyScope } from '../../events/policy.ts'
import { BudgetAlert, budgets, selectBudgets, type BudgetCursor, type BudgetRow } from '../../projections/budgets.ts'
import { policies, selectPolicies, type PolicyRow } from '../../projections/policies.ts'
import { prices, selectPrices, type PriceRow } from '../../projections/prices.ts'
import { Count, LastPosition, Micros, Time } from './fields.ts'
import { sequenceCursor } from './page.ts'
import { always, type Query } from './query.ts'
import { listQuery } from './row-queries.ts'

const BudgetPlace = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d\/[A-Za-z0-9:_.-]{1,128}$/, 'is no cursor of this list')
  .transform((place): BudgetCursor => ({ day: place.slice(0, 10), scope: place.slice(11) }))
  .refine(({ day }) => z.iso.date().safeParse(day).success, 'is no cursor of this list')

const OnExceed = z.enum(onExceedModes)
const Budget = z
  .object({
    scope: z.string().meta({ description: '`council`, `user:<id>` or `agent:<id>`.' }),
    day: z.iso.date(),
    terms: z
      .object({
        dailyMicros: Micros,
        softPercent: z.int().nullable(),
        onExceed: OnExceed.nullable(),
        timeZone: z.string().nullable(),
      })
      .nullable()
      .meta({ description: 'Null: the scope has no limit.' }),
    opensAt: Time.nullable(),
    closesAt: Time.nullable().meta({ description: 'When the budget reopens, as a new one.' }),
    spentMicros: Micros,
    reservedMicros: Micros,
    availableMicros: Micros.nullable(),
    calls: Count.meta({ description: 'Settled calls.' }),
    openCalls: Count.meta({ description: 'Calls that are reserved and not settled.' }),
    throttledAt: Time.nullable(),
    alerts: z
      .array(BudgetAlert)
      .meta({ description: 'Until the budget of the alerts reopens, at `closesAt` in the `timeZone` of the terms.' }),
    lastPosition: LastPosition,
  })
  .meta({ id: 'Budget' })

const Policy = z
  .object({
    scope: z.string(),
    dailyMicros: Micros,
    softPercent: z.int(),
    onExceed: OnExceed,
    timeZone: z.string(),
    setBy: z.string(),
    setAt: Time,
    timesSet: Count,
    lastPosition: LastPosition,
  })
  .meta({ id: 'Policy' })

const Price = z
  .object({
    priceRef: z.string(),
    models: z.array(z.string()).nullable().meta({ description: 'Null: every model without a price of its own.' }),
    promptMicrosPer1000: Micros,
    cachedPromptMicrosPer1000: Micros,
    completionMicrosPer1000: Micros,
    validFrom: z.iso.date().nullable().meta({ description: 'The first day (UTC) on which it holds; null: always.' }),
    listedBy: z.string(),
    listedAt: Time,
    lastPosition: LastPosition,
  })
  .meta({ id: 'Price' })

/** What scopes may spend, what they have spent, and at which prices. Amounts are integer micro-dollars. */
export const budgetQueries: readonly Query[] = [
  listQuery({
    path: '/v1/budgets',
    summary: 'What each scope may spend and has spent on a day, the newest day first.',
    scope: 'treasury:read',
    readModel: budgets,
    isCommon: always,
    name: 'budgets',
    row: Budget,
    cursor: BudgetPlace,
    select: selectBudgets,
    cursorOf: ({ day, scope }) => `${day}/${scope}`,
    print: printBudget,
  }),
  listQuery({
    path: '/v1/policies',
    summary: 'The standing policies from which budgets open, by scope.',
    scope: 'treasury:read',
    readModel: policies,
    isCommon: always,
    name: 'policies',
    row: Policy,
    cursor: PolicyScope,
    select: (tx, cursor, limit) => selectPolicies(tx, cursor ?? '', limit),
    cursorOf: (row) => row.scope,
    print: printPolicy,
  }),
  listQuery({
    path: '/v1/prices',
    summary: 'The prices of models, in the order in which they were listed.',
    scope: 'treasury:read',
    readModel: prices,
    isCommon: always,
    name: 'prices',
    row: Price,
    cursor: sequenceCursor,
    select: selectPrices,
    cursorOf: (row) => String(row.first_sequence),
    print: printPrice,
  }),
]

function printBudget(row: BudgetRow): z.output<typeof Budget> {
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
    closesAt: row.closes_at,
    spentMicros: row.spent_micros,
    reservedMicros: row.reserved_micros,
    availableMicros: row.daily_micros === null ? null : row.daily_micros - row.spent_micros - row.reserved_micros,
    calls: row.calls,
    openCalls: Object.keys(row.open_calls).length,
    throttledAt: row.throttled_at,
    alerts: row.alerts,
    lastPosition: row.last_position,
  }
}

function printPolicy(row: PolicyRow): z.output<typeof Policy> {
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

function printPrice(row: PriceRow): z.output<typeof Price> {
  return {
    priceRef: row.price_ref,
    models: row.models,
    promptMicrosPer1000: row.prompt_micros_per_1000,
    cachedPromptMicrosPer1000: row.cached_prompt_micros_per_1000,
    completionMicrosPer1000: row.completion_micros_per_1000,
    validFrom: row.valid_from,
    listedBy: row.listed_by,
    listedAt: row.listed_at,
    lastPosition: row.last_position,
  }
}
