import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { accounts, type AccountRow } from '../../src/projections/accounts.ts'
import type { Projection } from '../../src/projections/engine/projection.ts'
import { tableOf, type MemoryTx, type Table } from './memory-store.ts'

/** Applies a batch to a table, so that a repeated or missing event changes the rows. */
type Fold = (table: Table, events: readonly AnyRecordedEvent[]) => void

/** The accounts' read model, with the rows of `read_models.accounts`. */
const foldAccounts: Fold = (table, events) => void accounts.fold(events, table as Map<string, AccountRow>)

/** One row per event, keyed by the order of writing: an event that is applied twice has two rows. */
const journal: Fold = (table, events) => {
  for (const { sequence, position, metadata } of events)
    table.set(`${table.size}`, { sequence, position, eventId: metadata.eventId })
}

export const folds: Readonly<Record<string, Fold>> = { accounts: foldAccounts, journal }

/** The projections of one release of the program; a newer release rebuilds them. `mayFail` may make `apply` fail. */
export const projectionsOf = (version: number, mayFail: () => void): Projection<MemoryTx>[] =>
  Object.entries(folds).map(([name, fold]) => ({
    name,
    version,
    tables: [name],
    createTables: async () => undefined,
    async apply(tx, schema, events) {
      await tx.statement(`apply ${events.length} events to ${name}`)
      fold(tableOf(tx, schema), events)
      mayFail()
      await tx.statement(`applied to ${name}`)
    },
  }))
