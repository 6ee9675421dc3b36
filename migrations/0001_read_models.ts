import { sql, type Kysely } from 'kysely'

/**
 * What every read model stands on: where each projection is in the log, who is rebuilding one right now, and the schema
 * whose views are what queries may name. Tables of a projection are not made here: each generation has a schema of its own.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create schema if not exists read_models`.execute(db)

  await sql`
    create table projections (
      name text primary key,
      version integer not null,
      generation integer not null,
      position text not null,
      sequence bigint not null,
      event_id text,
      updated_at timestamptz not null default now()
    )`.execute(db)

  await sql`
    create table projection_rebuilds (
      name text primary key,
      generation integer not null,
      version integer not null,
      fence text not null,
      host text not null,
      pid integer not null,
      started_at timestamptz not null,
      touched_at timestamptz not null
    )`.execute(db)
}
