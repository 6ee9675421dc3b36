import { sql, type Kysely } from 'kysely'

/**
 * The archive: every event of the log with the very texts that were written, and the head of the hash chain after it.
 * A second event with a known sequence, position, or stream and revision is a violation, never an update.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table event_archive (
      sequence bigint primary key,
      position text not null unique,
      stream text not null,
      revision bigint not null,
      type text not null,
      version integer not null,
      data text not null,
      metadata text not null,
      mac text not null,
      chain_head bytea not null,
      unique (stream, revision)
    )`.execute(db)
  await sql`create index on event_archive (type, sequence)`.execute(db)
  // Positions compare as two numbers, never as text.
  await sql`create index on event_archive ((split_part(position, '-', 1)::numeric), (split_part(position, '-', 2)::numeric))`.execute(
    db,
  )

  // One row: a database holds the archive of one log. Events that were trimmed from Redis exist only here.
  await sql`
    create table archive_checkpoint (
      only_row boolean primary key default true check (only_row),
      council_id text not null,
      incarnation text not null,
      sequence bigint not null,
      position text not null,
      chain_head bytea not null,
      trimmed_sequence bigint not null default 0,
      trimmed_position text not null default '0-0',
      updated_at timestamptz not null default now()
    )`.execute(db)
}
