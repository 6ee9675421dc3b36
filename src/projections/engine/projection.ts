import type { Transaction } from 'kysely'
import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import type { Postgres } from '../../platform/postgres/postgres.ts'

/** A transaction on Postgres. Projections use the database only inside one. */
export type Tx = Transaction<unknown>

/** The part of Postgres that projections need. */
export type Database = Pick<Postgres<unknown>, 'transaction'>

/** One read model: the tables that it keeps, and how a batch of events changes them. `T` is a session of the store that holds them. */
export type Projection<T = Tx> = {
  /** Prefix of the schema names of its generations: a-z and _. */
  name: string
  /** Raise it with every change of the tables or of `apply`: the read model is then rebuilt next to the old generation. */
  version: number
  /** Its tables; queries read each through the view `read_models.<table>`, whichever generation serves. */
  tables: readonly string[]
  /** The event types that it handles; the engine skips all others. Undefined: every type. */
  handles?: ReadonlySet<string>
  /** Creates the tables in an empty schema. */
  createTables: (tx: T, schema: string) => Promise<void>
  /**
   * Applies events in log order, with a few statements per batch. Deterministic: the tables depend on the events alone, not on
   * the batch boundaries. Throws for an event that cannot be applied. In a store with transactions each event arrives once; in
   * one without, it may arrive again, so `apply` must write absolute values.
   */
  apply: (tx: T, schema: string, events: readonly AnyRecordedEvent[]) => Promise<void>
}

/** Applies the events of a batch that the projection handles. */
export async function applyHandled<T>(
  projection: Projection<T>,
  tx: T,
  schema: string,
  events: readonly AnyRecordedEvent[],
): Promise<void> {
  const { handles } = projection
  const handled = handles ? events.filter(({ type }) => handles.has(type)) : events
  if (handled.length > 0) await projection.apply(tx, schema, handled)
}
