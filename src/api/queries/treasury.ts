import { z } from 'zod'
import { AccountId } from '../../events/identifiers.ts'
import { accounts, selectAccount, selectAccounts, type AccountRow } from '../../projections/accounts.ts'
import { entries, selectEntries, type EntryRow } from '../../projections/entries.ts'
import { csvRecord } from '../../platform/csv.ts'
import {
  defaultPage,
  itemRoute,
  listRoute,
  pageOf,
  pageSize,
  queryRoute,
  sequenceCursor,
  type CsvPage,
  type QueryRoute,
} from './query-route.ts'

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
  itemRoute({
    path: '/v1/treasury/accounts/:id',
    readModel: accounts,
    id: AccountId,
    notFound: 'there is no such account',
    select: selectAccount,
    print: printAccount,
  }),
  queryRoute({
    path: '/v1/treasury/accounts/:id/entries',
    readModel: entries,
    fields: {
      cursor: sequenceCursor.optional(),
      limit: pageSize.default(defaultPage),
      format: z.enum(['json', 'csv']).default('json'),
    },
    id: AccountId,
    notFound: 'there is no such account',
    async answer(tx, { cursor, limit, format }, accountId) {
      const { page, last } = await pageOf(limit, (most) => selectEntries(tx, accountId, cursor, most))
      const next = last ? String(last.sequence) : null
      if (format === 'json') return { account: accountId, entries: page.map(printEntry), next }
      return statementCsv(accountId, page, next, limit)
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

function printEntry(row: EntryRow) {
  return {
    position: row.position,
    occurredAt: row.occurred_at,
    counterparties: row.counterparties,
    reason: row.reason,
    ref: row.ref,
    transferId: row.transfer_id,
    amountMicros: row.amount_micros,
    balanceMicros: row.balance_micros,
    actor: row.actor,
    requestId: row.request_id,
  }
}

/** The columns of a statement for a spreadsheet: the fields of `printEntry`. */
const statementColumns = [
  'position',
  'occurredAt',
  'counterparties',
  'reason',
  'ref',
  'transferId',
  'amountMicros',
  'balanceMicros',
  'actor',
  'requestId',
] as const satisfies (keyof ReturnType<typeof printEntry>)[]

/** A page of a statement for a spreadsheet, with the names of its columns also where there is no entry. */
function statementCsv(accountId: AccountId, page: readonly EntryRow[], next: string | null, limit: number): CsvPage {
  const records = page.map((row) => {
    const entry = { ...printEntry(row), counterparties: row.counterparties.join(' ') }
    return statementColumns.map((column) => entry[column])
  })
  const path = `/v1/treasury/accounts/${encodeURIComponent(accountId)}/entries?format=csv&limit=${limit}`
  return {
    csv: [statementColumns, ...records].map(csvRecord).join(''),
    next: next === null ? null : `${path}&cursor=${next}`,
  }
}
