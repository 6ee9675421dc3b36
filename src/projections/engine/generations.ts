import { sql } from 'kysely'
import { z } from 'zod'
import type { Projection, Tx } from './projection.ts'

/** The schema that holds one generation of a projection's tables. */
export const schemaOf = (name: string, generation: number): string => `${name}_${generation}`

const Schemas = z.array(z.object({ name: z.string() }))

/** The generations of a projection that have a schema, including half-built ones. */
export async function generationsOf(tx: Tx, name: string): Promise<number[]> {
  const { rows } =
    await sql`select nspname as name from pg_catalog.pg_namespace where nspname ~ ${`^${name}_[0-9]+$`}`.execute(tx)
  return Schemas.parse(rows).map((schema) => Number(schema.name.slice(name.length + 1)))
}

/** Drops every generation of a projection except the one that serves. */
export async function dropOtherGenerations(tx: Tx, name: string, serving: number | undefined): Promise<void> {
  for (const generation of await generationsOf(tx, name))
    if (generation !== serving) await sql`drop schema ${sql.id(schemaOf(name, generation))} cascade`.execute(tx)
}

/** Creates an empty generation, with its tables. */
export async function createGeneration(tx: Tx, projection: Projection, generation: number): Promise<void> {
  const schema = schemaOf(projection.name, generation)
  await sql`create schema ${sql.id(schema)}`.execute(tx)
  await projection.createTables(tx, schema)
}

/** Points `read_models.<table>` at this generation. Waits for queries that read the old one. */
export async function serveGeneration(tx: Tx, { name, tables }: Projection, generation: number): Promise<void> {
  for (const table of tables) {
    // Dropped and recreated: `create or replace view` can neither remove nor rename a column.
    await sql`drop view if exists ${sql.id('read_models', table)}`.execute(tx)
    await sql`create view ${sql.id('read_models', table)} as select * from ${sql.id(schemaOf(name, generation), table)}`.execute(
      tx,
    )
  }
}
