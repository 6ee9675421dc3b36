import { z } from 'zod'
import type { Position } from '../../events/identifiers.ts'

/** A bigint or integer column. pg returns a bigint as text, because a double cannot hold all of them; the schema refuses one that it cannot. */
export const IntegerColumn = z
  .union([z.string().regex(/^-?\d{1,19}$/), z.number(), z.bigint()])
  .transform(Number)
  .pipe(z.int())

/** A timestamptz column, as ISO 8601 in UTC. */
export const TimeColumn = z.union([z.date(), z.string()]).transform((value) => new Date(value).toISOString())

/** Text that Postgres can store: without NUL characters and lone surrogates, which a prompt may contain. */
export const storableText = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed()

/** A JSON value with `storableText` in all its texts and names. */
export function storableJson<Value>(value: Value): Value {
  if (typeof value === 'string') return storableText(value) as Value
  if (Array.isArray(value)) return value.map(storableJson) as Value
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [storableText(name), storableJson(part)]),
  ) as Value
}

/** The event that a row names: the only one it comes from, or the last one that changed it. */
export function lastEventOf(row: object): { position: Position; sequence: number } {
  const column = new Map<string, unknown>(Object.entries(row))
  return {
    position: (column.get('position') ?? column.get('last_position')) as Position,
    sequence: Number(column.get('sequence') ?? column.get('last_sequence')),
  }
}
