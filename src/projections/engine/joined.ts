import type { ReadModel } from './read-model.ts'

/**
 * One read model of the tables of several: they have one checkpoint, so a query that joins them sees all at one
 * position.
 */
export const joined = (name: string, version: number, parts: readonly ReadModel[]): ReadModel => ({
  name,
  version,
  tables: parts.flatMap(({ tables }) => tables),
  stored: parts.flatMap(({ stored }) => stored),
  handles: new Set(parts.flatMap(({ handles = [] }) => [...handles])),
  foldTables(events, tables = new Map()) {
    for (const part of parts) part.foldTables(events, tables)
    return tables
  },
  async createTables(tx, schema) {
    for (const part of parts) await part.createTables(tx, schema)
  },
  async apply(tx, schema, events) {
    for (const part of parts) await part.apply(tx, schema, events)
  },
})
