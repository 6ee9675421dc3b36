import { z } from 'zod'
import { AccountId } from '../../events/identifiers.ts'
import { accounts, selectAccount, selectAccounts, type AccountRow } from '../../projections/accounts.ts'
import { entries, selectEntries } from '../../projections/entries.ts'
import { Entry, printEntry } from '../../projections/statement.ts'
import { LastPosition, Micros } from './fields.ts'
import { Next, pageFields, pageOf, sequenceCursor } from './page.ts'
import { always, query, type Query } from './query.ts'
import { itemQuery, listQuery } from './row-queries.ts'

const Account = z
  .object({
    account: z.string(),
    status: z.enum(['open', 'frozen']),
    balanceMicros: Micros,
    reservedMicros: Micros.meta({ description: 'The sum of all reservations that have not ended.' }),
    limits: z.object({ dailyMicros: Micros, perActionMicros: Micros }).nullable(),
    lastPosition: LastPosition,
  })
  .meta({ id: 'Account' })

/** What accounts hold. Amounts are integer micro-dollars. */
export const treasuryQueries: readonly Query[] = [
  listQuery({
    path: '/v1/treasury/accounts',
    summary: 'Every account with its balance and its limits, by name.',
    scope: 'treasury:read',
    readModel: accounts,
    isCommon: always,
    name: 'accounts',
    row: Account,
    cursor: AccountId,
    select: (tx, cursor, limit) => selectAccounts(tx, cursor ?? '', limit),
    cursorOf: (row) => row.account_id as AccountId,
    print: printAccount,
  }),
  itemQuery({
    path: '/v1/treasury/accounts/:id',
    summary: 'One account.',
    scope: 'treasury:read',
    readModel: accounts,
    isCommon: always,
    row: Account,
    id: AccountId,
    notFound: 'there is no such account',
    select: selectAccount,
    print: printAccount,
  }),
  query({
    path: '/v1/treasury/accounts/:id/entries',
    summary: 'The statement of an account: its debits and credits, the newest first.',
    scope: 'treasury:read',
    readModel: entries,
    isCommon: always,
    fields: pageFields(sequenceCursor),
    id: AccountId,
    table: { name: 'entries', row: Entry },
    body: z.object({ account: z.string(), entries: z.array(Entry), next: Next }),
    notFound: 'there is no such account',
    async answer(tx, { cursor, limit }, accountId) {
      const { page, last } = await pageOf(limit, (most) => selectEntries(tx, accountId, cursor, most))
      return { account: accountId, entries: page.map(printEntry), next: last ? String(last.sequence) : null }
    },
  }),
]

function printAccount(row: AccountRow): z.output<typeof Account> {
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
