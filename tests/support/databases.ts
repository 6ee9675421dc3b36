import { sql } from 'kysely'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { startEmbeddedPostgres } from '../../src/platform/postgres/embedded-postgres.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectPostgres, type Postgres } from '../../src/platform/postgres/postgres.ts'
import type { Tx } from '../../src/projections/engine/projection.ts'
import { createDatabase } from './shared-servers.ts'

/** A database for one test file. Projections behave the same on every kind. */
export type TestDatabase = {
  url: string
  postgres: Postgres<unknown>
  /** Drops all schemas of migrations and projections. */
  empty: () => Promise<void>
  /** Every row of a table or view as text, ordered by all its columns: equal dumps are equal tables. */
  dump: (table: string) => Promise<string[]>
  /** Every row of a table or view, as JSON has them. */
  rows: (table: string) => Promise<Record<string, unknown>[]>
  rowsIn: (tx: Tx, table: string) => Promise<Record<string, unknown>[]>
  /**
   * Resolves when a transaction waits for the lock of another one, or as soon as `otherwise` has settled. PGlite runs
   * one transaction after another, so there it resolves at once.
   */
  somebodyWaits: (otherwise: Promise<unknown>) => Promise<void>
  close: () => Promise<void>
}

export type DatabaseKind = { kind: string; open: () => Promise<TestDatabase> }

/** Opens a new database on the PostgreSQL of the run. */
export const openPostgres = async (): Promise<TestDatabase> =>
  testDatabase(await createDatabase(), 'many', async () => undefined)

export const databaseKinds: readonly DatabaseKind[] = [
  { kind: 'PostgreSQL', open: openPostgres },
  {
    kind: 'PGlite',
    open: async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'pglite-'))
      const { url, child } = await startEmbeddedPostgres(dataDir, () => undefined)
      return testDatabase(url, 'one', async () => {
        await child.stop()
        await rm(dataDir, { recursive: true, force: true })
      })
    },
  },
]

function testDatabase(url: string, sessions: 'one' | 'many', stopServer: () => Promise<unknown>): TestDatabase {
  const postgres = connectPostgres<unknown>({ url, maxConnections: 10, logger: silentLogger })
  return {
    url,
    postgres,
    empty: () => postgres.transaction(empty),
    dump: (table) => postgres.snapshot((tx) => dump(tx, table)),
    rows: (table) => postgres.snapshot((tx) => jsonRows(tx, table)),
    rowsIn: jsonRows,
    async somebodyWaits(otherwise) {
      let isSettled = sessions === 'one'
      const settle = () => void (isSettled = true)
      otherwise.then(settle, settle)
      while (!isSettled && !(await postgres.transaction(isWaitedFor))) continue
    },
    async close() {
      await postgres.close()
      await stopServer()
    },
  }
}

const Names = z.array(z.object({ name: z.string() }))
const Rows = z.array(z.object({ row: z.record(z.string(), z.unknown()) }))
const Lines = z.array(z.object({ line: z.string() }))

async function empty(tx: Tx): Promise<void> {
  const { rows } =
    await sql`select nspname as name from pg_namespace where nspname !~ '^(pg_|information_schema)'`.execute(tx)
  for (const { name } of Names.parse(rows)) await sql`drop schema ${sql.id(name)} cascade`.execute(tx)
  await sql`create schema public`.execute(tx)
}

async function dump(tx: Tx, table: string): Promise<string[]> {
  const { rows } = await sql`select t::text as line from ${sql.table(table)} as t order by t::text`.execute(tx)
  return Lines.parse(rows).map(({ line }) => line)
}

async function jsonRows(tx: Tx, table: string): Promise<Record<string, unknown>[]> {
  const { rows } = await sql`select to_json(t) as row from ${sql.table(table)} as t`.execute(tx)
  return Rows.parse(rows).map(({ row }) => row)
}

async function isWaitedFor(tx: Tx): Promise<boolean> {
  const { rows } =
    await sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
      tx,
    )
  return rows.length > 0
}
