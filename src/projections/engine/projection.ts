import type { Transaction } from 'kysely'
import type { RecordedEvent } from '../../events/event.ts'
import type { Postgres } from '../../platform/postgres/postgres.ts'

/** A transaction on Postgres. Nothing here talks to the database outside of one. */
export type Tx = Transaction<unknown>

/** What projections need of Postgres. */
export type Database = Pick<Postgres<unknown>, 'transaction'>

/** One read model: which tables it keeps, and how a batch of events changes them. `T` is a transaction of where they are. */
export type Projection<T = Tx> = {
  /** Part of schema names, before their generation: a-z and _. */
  name: string
  /** Raised whenever tables or `apply` change: the read model is then built anew beside the old one. */
  version: number
  target: 'postgres'
  /** It shows money: it stops at an event that it cannot take, rather than to show a wrong sum. */
  money: boolean
  /** Its tables; each is read through the view `read_models.<table>`, whichever generation serves. */
  tables: readonly string[]
  /** Creates the tables in an empty schema. */
  createTables: (tx: T, schema: string) => Promise<void>
  /**
   * Takes events in log order, each exactly once, with a few statements a batch. Deterministic: the tables depend on the
   * events alone, never on how they were cut into batches. Throws for an event that cannot be.
   */
  apply: (tx: T, schema: string, events: readonly RecordedEvent[]) => Promise<void>
}
