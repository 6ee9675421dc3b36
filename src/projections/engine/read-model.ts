import type { RecordedEvent } from '../../events/event.ts'
import type { Columns } from './columns.ts'
import type { Projection } from './projection.ts'
import type { Table } from './table.ts'

/** Tables in memory: the name of a table → key → row. Rows are never changed in place. */
export type MemoryTables = Map<string, Map<unknown, object>>

/** A projection on Postgres whose tables can also be folded in memory, and compared with the stored ones. */
export type ReadModel = Projection & {
  /** All its tables, to read their rows. */
  stored: readonly Pick<Table<Columns, string>, 'name' | 'key' | 'select'>[]
  /**
   * Applies events in log order to tables in memory, in place, and adds the tables that are missing. The result does
   * not depend on the batch boundaries. Returns the tables. Throws for an event that cannot be applied.
   */
  foldTables: (events: readonly RecordedEvent[], tables?: MemoryTables) => MemoryTables
}

/** The rows of a table in memory, which is added if it is missing. The caller names the types of its key and its rows. */
export function rowsIn<Key, Row extends object>(tables: MemoryTables, name: string): Map<Key, Row> {
  const found = tables.get(name) ?? new Map<unknown, object>()
  tables.set(name, found)
  return found as Map<Key, Row>
}
