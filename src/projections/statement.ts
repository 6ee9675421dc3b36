/** The statement of an account, as clients and spreadsheets get it. */

import { z } from 'zod'
import { csvTable } from '../platform/csv-table.ts'
import type { EntryRow } from './entries.ts'

const Micros = z.int()

/** A debit or a credit of an account. Amounts are integer micro-dollars. */
export const Entry = z
  .object({
    position: z.string(),
    occurredAt: z.iso.datetime(),
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

export const printEntry = (row: EntryRow): z.output<typeof Entry> => ({
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

/** The entries as a CSV file. */
export const statementCsv = (rows: readonly EntryRow[]): string => csvTable(Entry, rows.map(printEntry))
