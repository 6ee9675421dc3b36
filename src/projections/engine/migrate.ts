import { sql } from 'kysely'
import { FileMigrationProvider, Migrator } from 'kysely/migration'
import { promises as fs } from 'node:fs'
import path from 'node:path'
import { messageOf } from '../../platform/platform-error.ts'
import { ProjectionError } from './projection-error.ts'
import { isMissingRelation } from './missing-relation.ts'
import type { Database } from './projection.ts'

const migrationFolder = path.join(import.meta.dirname, '../../../migrations')

/** Any number, the same in every program that migrates this database. */
const lockKey = 4_817_203_661

/**
 * Applies the outstanding `migrations/` in one transaction. Concurrent processes wait for each other. Resolves with the names of
 * the migrations that it applied. Throws ProjectionError `migration_failed` if one fails, or if the database has migrations that
 * this program does not know.
 */
export async function migrate(database: Database): Promise<string[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await migrateOnce(database)
    } catch (error) {
      if (tries === maxTries || !isDroppedMeanwhile(error)) throw error
    }
  }
}

/**
 * The migrator inspects every table (kysely 0.29.9, PostgresIntrospector), and a concurrent rebuild may drop a generation
 * meanwhile: the catalogue then names a schema or a table that no longer exists.
 */
const isDroppedMeanwhile = (error: unknown): boolean =>
  error instanceof ProjectionError && isMissingRelation(error.cause)
const maxTries = 10

function migrateOnce(database: Database): Promise<string[]> {
  return database.transaction(async (tx) => {
    // The migrator takes its own lock only after it has created its tables, where two processes can collide.
    await sql`select pg_advisory_xact_lock(${sql.lit(lockKey)})`.execute(tx)
    const migrator = new Migrator({ db: tx, provider: new FileMigrationProvider({ fs, path, migrationFolder }) })
    const { error, results } = await migrator.migrateToLatest()
    if (error !== undefined) {
      const why = messageOf(error)
      throw new ProjectionError(
        'migration_failed',
        `the database could not be brought up to date: ${why}. If a newer program has used it, run that version`,
        { cause: error },
      )
    }
    return (results ?? []).map(({ migrationName }) => migrationName)
  })
}
