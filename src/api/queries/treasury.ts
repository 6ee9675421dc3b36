import { z } from 'zod'
import { AccountId } from '../../events/identifiers.ts'
import { accounts, selectAccount, selectAccounts, type AccountRow } from '../../projections/accounts.ts'
import { entries, selectEntries, type EntryRow } from '../../projections/entries.ts'
import { printEntry, statementRecords } from '../../projections/statement.ts'
import { csvRecord } from '../../platform/csv.ts'
import { LastPosition, Micros, Time } from './fields.ts'
import { defaultPage, Next, pageOf, pageSize, sequenceCursor } from './page.ts'
import { always, type CsvPage, query, type Query } from './query.ts'
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

const Entry = z
  .object({
    position: z.string(),
    occurredAt: Time,
    counterparties: z.array(z.string()),
    reason: z.string(),
    ref: z.string().nullable(),
    transferId: z.string(),
    amountMicros: Micros.meta({ description: 'Negative for a debit.' }),
    balanceMicros: Micros.meta({ description: 'The balance after the entry.' }),
    actor: z.string(),
    requestId: z.string().nullable(),
  })
  .meta({ id: 'Entry', description: 'A debit or a credit of an account.' })

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
    fields: {
      cursor: sequenceCursor.optional(),
      limit: pageSize.default(defaultPage),
      format: z.enum(['json', 'csv']).default('json'),
    },
    id: AccountId,
    body: z.object({ account: z.string(), entries: z.array(Entry), next: Next }),
    notFound: 'there is no such account',
    async answer(tx, { cursor, limit, format }, accountId) {
      const { page, last } = await pageOf(limit, (most) => selectEntries(tx, accountId, cursor, most))
      const next = last ? String(last.sequence) : null
      if (format === 'json') return { account: accountId, entries: page.map(printEntry), next }
      return statementCsv(accountId, page, next, limit)
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

/** A page of a statement for a spreadsheet. */
function statementCsv(accountId: AccountId, page: readonly EntryRow[], next: string | null, limit: number): CsvPage {
  const path = `/v1/treasury/accounts/${encodeURIComponent(accountId)}/entries?format=csv&limit=${limit}`
  return { csv: statementRecords(page).map(csvRecord).join(''), next: next === null ? null : `${path}&cursor=${next}` }
}
