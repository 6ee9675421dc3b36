import { sql } from 'kysely'
import { loadRegistered, moveCheckpoint, register } from './checkpoint.ts'
import { loadHolder, nameGeneration, releaseLease, takeLease, renewLease } from './lease-rows.ts'
import { createGeneration, dropOtherGenerations, generationsOf, serveGeneration } from './generations.ts'
import { migrate } from './migrate.ts'
import type { Database, Tx } from './projection.ts'
import type { ReadModelStore } from './store.ts'

/** The read models of a council on Postgres, embedded or not. */
export const postgresStore = (database: Database): ReadModelStore<Tx> => ({
  transaction: (work) => database.transaction(work),
  migrate: () => migrate(database),
  loadRegistered,
  moveCheckpoint,
  register,
  generationsOf,
  createGeneration,
  dropOtherGenerations,
  serveGeneration,
  limitWaiting: async (tx, waitMs) => void (await sql`set local lock_timeout = ${sql.lit(waitMs)}`.execute(tx)),
  loadHolder,
  takeLease,
  nameGeneration,
  renewLease,
  releaseLease,
})
