import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { joined } from '../../src/projections/engine/joined.ts'
import type { Projection } from '../../src/projections/engine/projection.ts'
import { rowsIn, type MemoryTables } from '../../src/projections/engine/read-model.ts'
import { readModels } from '../../src/projections/read-models.ts'
import { tablesOf, type MemoryTx } from './memory-store.ts'

/** Applies a batch to tables, so that a repeated or missing event changes the rows. */
type Fold = (tables: MemoryTables, events: readonly AnyRecordedEvent[]) => void

/** The tables of every read model. One projection keeps them all: more would only make the runs longer. */
const { foldTables } = joined('read_models', 1, readModels)

/** One row per event, keyed by the order of writing: an event that is applied twice has two rows. */
const journal: Fold = (tables, events) => {
  const rows = rowsIn(tables, 'journal')
  for (const { sequence, position, metadata } of events)
    rows.set(`${rows.size}`, { sequence, position, eventId: metadata.eventId })
}

export const folds: Readonly<Record<string, Fold>> = {
  read_models: (tables, events) => void foldTables(events, tables),
  journal,
}

/** The projections of one release of the program; a newer release rebuilds them. `mayFail` may make `apply` fail. */
export const projectionsOf = (version: number, mayFail: () => void): Projection<MemoryTx>[] =>
  Object.entries(folds).map(([name, fold]) => ({
    name,
    version,
    tables: [name],
    createTables: async () => undefined,
    async apply(tx, schema, events) {
      await tx.statement(`apply ${events.length} events to ${name}`)
      fold(tablesOf(tx, schema), events)
      mayFail()
      await tx.statement(`applied to ${name}`)
    },
  }))
