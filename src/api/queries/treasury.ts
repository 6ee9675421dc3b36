import { AccountId } from '../../events/identifiers.ts'
import { accounts, selectAccount, selectAccounts, type AccountRow } from '../../projections/accounts.ts'
import { listRoute, queryRoute, type QueryRoute } from './query-route.ts'

/** What accounts hold. Amounts are integer micro-dollars. */
export const treasuryQueries: readonly QueryRoute[] = [
  listRoute({
    path: '/v1/treasury/accounts',
    readModel: accounts,
    name: 'accounts',
    cursor: AccountId,
    select: (tx, cursor, limit) => selectAccounts(tx, cursor ?? '', limit),
    cursorOf: (row) => row.account_id as AccountId,
    print: printAccount,
  }),
  queryRoute({
    path: '/v1/treasury/accounts/:id',
    readModel: accounts,
    fields: {},
    id: AccountId,
    notFound: 'there is no such account',
    async answer(tx, _, accountId) {
      const row = await selectAccount(tx, accountId)
      return row ? printAccount(row) : null
    },
  }),
]

function printAccount(row: AccountRow) {
  return {
    account: row.account_id,
    status: row.status,
    balanceMicros: row.balance_micros,
    reservedMicros: row.reserved_micros,
    limits:
      row.daily_limit_micros === null || row.action_limit_micros === null
        ? null
        : { dailyMicros: row.daily_limit_micros, perActionMicros: row.action_limit_micros },
    lastPosition: row.last_position,
  }
}
