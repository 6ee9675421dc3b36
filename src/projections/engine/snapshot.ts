import { sql } from 'kysely'
import type { Postgres } from '../../platform/postgres/postgres.ts'
import type { Tx } from './projection.ts'

/**
 * Reads one or more read models, and their rows in `projections`, in one snapshot.
 *
 * The lock must precede the first statement, which takes the snapshot. Otherwise a rebuild could swap generations in between, and
 * the query would read the new tables with a snapshot from before their last rows.
 */
export const readConsistently = <Result>(
  { snapshot }: Pick<Postgres<unknown>, 'snapshot'>,
  tables: readonly string[],
  work: (tx: Tx) => Promise<Result>,
): Promise<Result> =>
  snapshot(async (tx) => {
    await sql`lock table ${sql.join(tables.map((table) => sql.id('read_models', table)))} in access share mode`.execute(
      tx,
    )
    return work(tx)
  })
