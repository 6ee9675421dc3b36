import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/platform/logger.ts'
import { connectPostgres } from '../../../src/platform/postgres/postgres.ts'
import { ProjectionError } from '../../../src/projections/engine/projection-error.ts'
import { migrate } from '../../../src/projections/engine/migrate.ts'
import { databaseKinds } from '../../support/databases.ts'
import { suiteDatabase } from '../../support/lifetimes.ts'

describe.each(databaseKinds)('migrating $kind', async ({ kind, open }) => {
  const db = await suiteDatabase(open)
  beforeEach(() => db.empty())

  test('applies every migration once, in order, and none the next time', async () => {
    expect(await migrate(db.postgres)).toEqual(['0001_read_models', '0002_event_archive'])
    expect(await migrate(db.postgres)).toEqual([])
    expect(await db.rows('projections')).toEqual([])
  })

  test('by several processes at once is done by one of them', async () => {
    const others = Array.from({ length: 4 }, () =>
      connectPostgres<unknown>({ url: db.url, maxConnections: 1, logger: silentLogger }),
    )
    const applied = await Promise.all(others.map(migrate))
    expect(applied.flat()).toEqual(['0001_read_models', '0002_event_archive'])
    await Promise.all(others.map((other) => other.close()))
  })

  test('succeeds while concurrent rebuilds create and drop generations', async () => {
    await migrate(db.postgres)
    const rebuilding = new AbortController()
    const rebuilds = (async () => {
      for (let n = 1; !rebuilding.signal.aborted; n++) {
        const tables = Array.from(
          { length: 20 },
          (_, table) => sql`create table ${sql.id(`chats_${n}`, `t${table}`)} (a int, b int)`,
        )
        await db.postgres.transaction(async (tx) => {
          await sql`create schema ${sql.id(`chats_${n}`)}`.execute(tx)
          for (const table of tables) await table.execute(tx)
        })
        await db.postgres.transaction((tx) => sql`drop schema ${sql.id(`chats_${n}`)} cascade`.execute(tx))
      }
    })()
    try {
      for (let n = 0; n < 100; n++) expect(await migrate(db.postgres)).toEqual([])
    } finally {
      rebuilding.abort()
      await rebuilds
    }
  })

  test('that loses its connection is not a migration fault, and can be repeated', async () => {
    await migrate(db.postgres)
    const other = connectPostgres<unknown>({ url: db.url, maxConnections: 1, logger: silentLogger })
    const cutOff = await db.postgres.transaction(async (tx) => {
      await sql`lock table kysely_migration in access exclusive mode`.execute(tx)
      const migrating = migrate(other).catch((error: unknown) => error)
      await db.somebodyWaits(migrating)
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
        tx,
      )
      return { migrating }
    })
    const cut = await cutOff.migrating
    // PGlite has a single session, which cannot be cut off: there the migration waits and succeeds.
    if (kind === 'PostgreSQL')
      expect(cut).toSatisfy((error) => error instanceof Error && !(error instanceof ProjectionError))
    expect(await migrate(other)).toEqual([])
    await other.close()
  })

  test('refuses a database that a newer program has migrated', async () => {
    await migrate(db.postgres)
    await db.postgres.transaction((tx) =>
      sql`insert into kysely_migration values ('9999_from_the_future', '2026-11-23T00:00:00.000Z')`.execute(tx),
    )
    await expect(migrate(db.postgres)).rejects.toMatchObject({ code: 'migration_failed' })
  })
})
