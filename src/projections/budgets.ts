import { sql } from 'kysely'
import { z } from 'zod'
import { alertKinds, budgetEvents, type AlertType, type BudgetEvent } from '../events/budget.ts'
import type { RecordedEvent } from '../events/event.ts'
import { onExceedModes } from '../events/policy.ts'
import { isoTime } from '../platform/clock.ts'
import {
  bigint,
  bytewise,
  date,
  integer,
  json,
  nullable,
  text,
  textOf,
  timestamp,
  type RowOf,
} from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { storableText } from './engine/rows.ts'
import { tableProjection } from './engine/table-projection.ts'

/** A limit that was reached: the soft one, or the hard one, at which calls are refused or paused. */
export const BudgetAlert = z.strictObject({
  kind: z.enum(Object.values(alertKinds)),
  limitMicros: z.int(),
  spentMicros: z.int(),
  /** Null at the soft limit, which counts only what is spent. */
  reservedMicros: z.int().nullable(),
  at: z.string(),
  position: z.string(),
})
type BudgetAlert = z.infer<typeof BudgetAlert>

/** Amounts are integer micro-dollars. The terms are null for a day from before budgets had terms. */
const columns = {
  stream: bytewise(text),
  scope: bytewise(text),
  day: date,
  daily_micros: nullable(bigint),
  soft_percent: nullable(integer),
  on_exceed: nullable(textOf(z.enum(onExceedModes))),
  time_zone: nullable(text),
  opens_at: nullable(timestamp),
  closes_at: nullable(timestamp),
  spent_micros: bigint,
  reserved_micros: bigint,
  /** The reserved amount of each call that is not settled. */
  open_calls: json(z.record(z.string(), z.int())),
  /** The number of settled calls. */
  calls: integer,
  /** Null while the budget is not throttled. */
  throttled_at: nullable(timestamp),
  /** In the order of the log. */
  alerts: json(z.array(BudgetAlert)),
  last_position: text,
  last_sequence: bigint,
}
export type BudgetRow = RowOf<typeof columns>
type RecordedBudgetEvent = RecordedEvent<BudgetEvent>

/** `read_models.budgets`: one row per scope and day, with its terms, its spending and its reservations. */
export const budgets = tableProjection({
  name: 'budgets',
  version: 2,
  columns,
  key: 'stream',
  indexes: [sql`(day, scope)`],
  handles: budgetEvents,
  keyOf: ({ stream }) => stream,
  evolve: (row, event) => ({
    ...(row ?? unopened(event)),
    ...changes(row ?? unopened(event), event),
    last_position: event.position,
    last_sequence: event.sequence,
  }),
})

/** The place of a row in the list: newest day first, then by scope. */
export type BudgetCursor = { day: string; scope: string }

/** A page of rows after a place, or from the newest. */
export const selectBudgets = (tx: Tx, after: BudgetCursor | undefined, limit: number): Promise<BudgetRow[]> =>
  budgets.select(
    tx,
    sql`${after === undefined ? sql`` : sql`where day < ${after.day}::date or (day = ${after.day}::date and scope > ${after.scope})`} order by day desc, scope limit ${limit}`,
  )

function unopened({ stream, position, sequence }: RecordedBudgetEvent): BudgetRow {
  const [, scope = '', day = ''] = stream.split('/')
  return {
    stream,
    scope,
    day,
    daily_micros: null,
    soft_percent: null,
    on_exceed: null,
    time_zone: null,
    opens_at: null,
    closes_at: null,
    spent_micros: 0,
    reserved_micros: 0,
    open_calls: {},
    calls: 0,
    throttled_at: null,
    alerts: [],
    last_position: position,
    last_sequence: sequence,
  }
}

function changes(row: BudgetRow, event: RecordedBudgetEvent): Partial<BudgetRow> {
  switch (event.type) {
    case 'BudgetOpened':
      return { ...termsOf(event.data), opens_at: isoTime(Date.parse(event.data.opensAt)) }
    case 'BudgetAdjusted':
      return termsOf(event.data)
    case 'BudgetReserved': {
      const { callId, amountMicros } = event.data
      return {
        reserved_micros: row.reserved_micros + amountMicros,
        open_calls: { ...row.open_calls, [storableText(callId)]: amountMicros },
      }
    }
    case 'BudgetDebited':
      return {
        ...withoutCall(row, event.data.callId),
        spent_micros: row.spent_micros + event.data.actualMicros,
        calls: row.calls + 1,
      }
    case 'BudgetReleased':
      return withoutCall(row, event.data.callId)
    case 'ThrottleEngaged':
      return {
        throttled_at: isoTime(Date.parse(event.metadata.occurredAt)),
        alerts: [...row.alerts, alertOf(event, { limitMicros: event.data.softMicros, reservedMicros: null })],
      }
    case 'HardLimitReached': {
      const { dailyMicros: limitMicros, reservedMicros } = event.data
      return { alerts: [...row.alerts, alertOf(event, { limitMicros, reservedMicros })] }
    }
    case 'ThrottleLifted':
      return { throttled_at: null }
    default:
      return event satisfies never
  }
}

const alertOf = (
  { type, data, metadata, position }: RecordedEvent<Extract<BudgetEvent, { type: AlertType }>>,
  figures: Pick<BudgetAlert, 'limitMicros' | 'reservedMicros'>,
): BudgetAlert => ({
  kind: alertKinds[type],
  ...figures,
  spentMicros: data.spentMicros,
  at: isoTime(Date.parse(metadata.occurredAt)),
  position,
})

const termsOf = (
  data: Pick<
    Extract<BudgetEvent, { type: 'BudgetAdjusted' }>['data'],
    'dailyMicros' | 'softPercent' | 'onExceed' | 'timeZone' | 'closesAt'
  >,
): Partial<BudgetRow> => ({
  daily_micros: data.dailyMicros,
  soft_percent: data.softPercent,
  on_exceed: data.onExceed,
  time_zone: storableText(data.timeZone),
  closes_at: isoTime(Date.parse(data.closesAt)),
})

function withoutCall(row: BudgetRow, callId: string): Partial<BudgetRow> {
  const { [storableText(callId)]: amountMicros = 0, ...open_calls } = row.open_calls
  return { open_calls, reserved_micros: row.reserved_micros - amountMicros }
}
