import type { Projection } from './projection.ts'

/**
 * One projection of the tables of several: they have one checkpoint, so a query that joins them sees all at one
 * position.
 */
export const joined = (name: string, version: number, parts: readonly Projection[]): Projection => ({
  name,
  version,
  tables: parts.flatMap(({ tables }) => tables),
  handles: new Set(parts.flatMap(({ handles = [] }) => [...handles])),
  async createTables(tx, schema) {
    for (const part of parts) await part.createTables(tx, schema)
  },
  async apply(tx, schema, events) {
    for (const part of parts) await part.apply(tx, schema, events)
  },
})
