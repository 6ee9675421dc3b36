import { sql } from 'kysely'
import type { BudgetEvent } from '../../events/budget.ts'
import type { RecordedEvent } from '../../events/event.ts'
import { beginning, justBefore, type Position, type Uuid7 } from '../../events/identifiers.ts'
import type { LogReader } from '../../events/log/log.ts'
import type { Postgres } from '../../platform/postgres/postgres.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { costs, isCost, type CostRow } from '../../projections/costs.ts'
import { loadRegistered, type Registered } from '../../projections/engine/checkpoint.ts'
import { readConsistently } from '../../projections/engine/snapshot.ts'
import { CliError } from '../failure.ts'

export type Debit = RecordedEvent<Extract<BudgetEvent, { type: 'BudgetDebited' }>>
type Index = { registered: Registered; rows: CostRow[] } | { unavailable: string }

/** The debits of a request, and how they were found: up to a position by the read model `costs`, later ones by reading the log. */
export type IndexedDebits = {
  debits: Debit[]
  indexedTo: Position | null
  scanned: number
  /** Why the index could not be used; null: it was. */
  unavailable: string | null
  /** The index covers a debit, and does not have it. */
  isMissing: (debit: Debit) => boolean
}

/**
 * All debits of a request in `budget/council/…`, from the log. The read model `costs` only says where they are. Throws CliError
 * `evidence_differs` if it names a place in the log that has no such debit.
 */
export async function indexedDebits(
  log: LogReader,
  postgres: Postgres<unknown> | null,
  requestId: Uuid7,
  head: RecordedEvent | undefined,
): Promise<IndexedDebits> {
  const index = await readIndex(postgres, requestId)
  const isIndexed = 'rows' in index
  const after = isIndexed ? index.registered : { position: beginning, sequence: 0 }
  const indexed = await Promise.all(isIndexed ? index.rows.map((row) => debitAt(log, row)) : [])
  const scanned = Math.max(0, (head?.sequence ?? 0) - after.sequence)
  const newer: Debit[] = []
  if (head && scanned > 0)
    for await (const page of log.read({ after: after.position, upTo: head.position, types: ['BudgetDebited'] }))
      newer.push(...page.filter(isCost).filter(({ data }) => data.requestId === requestId))
  return {
    debits: [...indexed, ...newer],
    indexedTo: isIndexed ? after.position : null,
    scanned,
    unavailable: isIndexed ? null : index.unavailable,
    isMissing: ({ sequence }) => sequence <= after.sequence && !indexed.some((known) => known.sequence === sequence),
  }
}

async function readIndex(postgres: Postgres<unknown> | null, requestId: Uuid7): Promise<Index> {
  if (!postgres) return { unavailable: 'Postgres cannot be read' }
  try {
    return await readConsistently(postgres, costs.tables, async (tx): Promise<Index> => {
      const registered = await loadRegistered(tx, costs.name)
      if (!registered) return { unavailable: 'it was never built' }
      return { registered, rows: await costs.select(tx, sql`where request_id = ${requestId} order by sequence`) }
    })
  } catch (error) {
    return { unavailable: messageOf(error) }
  }
}

async function debitAt(log: LogReader, { position, call_id, request_id }: CostRow): Promise<Debit> {
  for await (const [event] of log.read({ after: justBefore(position), upTo: position, limit: 1 }))
    if (event && isCost(event) && event.data.callId === call_id && event.data.requestId === request_id) return event
  throw new CliError(
    'evidence_differs',
    `the read model costs has a debit of the call ${call_id} at ${position}, but the log has none there: run council audit cost`,
  )
}
