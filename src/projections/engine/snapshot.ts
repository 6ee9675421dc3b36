import { sql } from 'kysely'
import type { Postgres } from '../../platform/postgres/postgres.ts'
import type { Tx } from './projection.ts'

/**
 * Reads one or more read models, and their rows in `projections`, as of one moment.
 *
 * The lock comes first, before anything that takes the snapshot. Without it a rebuild could put a new generation in place
 * between the two: the query would then read the new tables with a snapshot from before their last rows, and see half of them.
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
