import { sql } from 'kysely'
import { z } from 'zod'
import { accountEvents, type AccountEvent } from '../events/account.ts'
import type { RecordedEvent } from '../events/event.ts'
import { bigint, bytewise, nullable, text, textOf, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { tableProjection } from './engine/table-projection.ts'

/** Amounts are integer micro-dollars. */
const columns = {
  account_id: bytewise(text),
  status: textOf(z.enum(['open', 'frozen'])),
  balance_micros: bigint,
  /** Sum of all reservations that have not ended, including those past their expiry: a row has no clock. */
  reserved_micros: bigint,
  /** Null: no limits are set. */
  daily_limit_micros: nullable(bigint),
  action_limit_micros: nullable(bigint),
  last_position: text,
  last_sequence: bigint,
}
export type AccountRow = RowOf<typeof columns>

type RecordedAccountEvent = RecordedEvent<AccountEvent>

/** `read_models.accounts`: one row per account, with its balance and its reservations. The sum of all balances is 0. */
export const accounts = tableProjection({
  name: 'accounts',
  version: 2,
  columns,
  key: 'account_id',
  handles: accountEvents,
  keyOf: ({ stream }) => stream.slice('account/'.length),
  evolve: evolveAccountRow,
})

/** A page of rows after an id (`''`: from the first), ordered by id. */
export const selectAccounts = (tx: Tx, after: string, limit: number): Promise<AccountRow[]> =>
  accounts.select(tx, sql`where account_id > ${after} order by account_id limit ${limit}`)

/** One row, or undefined for an account that was never opened. */
export const selectAccount = async (tx: Tx, accountId: string): Promise<AccountRow | undefined> =>
  (await accounts.select(tx, sql`where account_id = ${accountId}`))[0]

function evolveAccountRow(row: AccountRow | undefined, event: RecordedAccountEvent): AccountRow {
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
    case 'AccountLimitsAdjusted':
      return { daily_limit_micros: event.data.dailyMicros, action_limit_micros: event.data.perActionMicros }
    default:
      return event satisfies never
  }
}
