import { z } from 'zod'
import type { AccountEvent } from '../events/account.ts'
import type { RecordedEvent } from '../events/event.ts'
import { IntegerColumn } from './engine/rows.ts'

/** A row of `read_models.accounts`: one account as its newest event left it. Amounts are integer micro-dollars. */
export const AccountRow = z.object({
  account_id: z.string(),
  status: z.enum(['open', 'frozen']),
  balance_micros: IntegerColumn,
  /** Of every reservation that has not ended, those included whose expiry has passed: a row has no clock. */
  reserved_micros: IntegerColumn,
  /** Null: no limits are set. */
  daily_limit_micros: IntegerColumn.nullable(),
  action_limit_micros: IntegerColumn.nullable(),
  last_position: z.string(),
  last_sequence: IntegerColumn,
})
export type AccountRow = z.output<typeof AccountRow>

type RecordedAccountEvent = RecordedEvent<AccountEvent>

export const accountIdOf = (stream: string): string => stream.slice('account/'.length)

/** The row after an event; `row` is undefined before the first one. Throws where the events of an account do not follow each other. */
export function evolveAccountRow(row: AccountRow | undefined, event: RecordedAccountEvent): AccountRow {
  const last = { last_position: event.position, last_sequence: event.sequence }
  if (event.type === 'AccountOpened') {
    if (row) throw new Error(`${event.stream} was opened twice`)
    return {
      account_id: event.data.accountId,
      status: 'open',
      balance_micros: 0,
      reserved_micros: 0,
      daily_limit_micros: null,
      action_limit_micros: null,
      ...last,
    }
  }
  if (!row) throw new Error(`${event.type} on ${event.stream}, which was never opened`)
  return { ...row, ...changes(row, event), ...last }
}

function changes(
  row: AccountRow,
  event: Exclude<RecordedAccountEvent, { type: 'AccountOpened' }>,
): Partial<AccountRow> {
  switch (event.type) {
    case 'AccountCredited':
      return { balance_micros: row.balance_micros + event.data.amountMicros }
    case 'AccountDebited':
      return { balance_micros: row.balance_micros - event.data.amountMicros }
    case 'FundsReserved':
      return { reserved_micros: row.reserved_micros + event.data.amountMicros }
    case 'ReservationSettled':
    case 'LateCostSettled':
      return { reserved_micros: row.reserved_micros - event.data.reservedMicros }
    case 'ReservationReleased':
    case 'ReservationExpired':
      return { reserved_micros: row.reserved_micros - event.data.amountMicros }
    case 'AccountFrozen':
      return { status: 'frozen' }
    case 'AccountUnfrozen':
      return { status: 'open' }
    case 'AccountLimitsSet':
      return { daily_limit_micros: event.data.dailyMicros, action_limit_micros: event.data.perActionMicros }
    default:
      return event satisfies never
  }
}
