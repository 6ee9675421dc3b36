/** The statement of an account, as clients and spreadsheets get it. */

import type { EntryRow } from './entries.ts'

/** An entry of a statement. Amounts are integer micro-dollars, negative for a debit. */
export const printEntry = (row: EntryRow) => ({
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
})

/** The columns of a statement for a spreadsheet: the fields of an entry. */
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

/** The entries as records of a CSV file, with the names of the columns also where there is no entry. */
export const statementRecords = (rows: readonly EntryRow[]): (string | number | null)[][] => [
  [...statementColumns],
  ...rows.map((row) => {
    const entry = { ...printEntry(row), counterparties: row.counterparties.join(' ') }
    return statementColumns.map((column) => entry[column])
  }),
]
