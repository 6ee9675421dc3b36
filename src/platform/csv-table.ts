import { z } from 'zod'
import { csvRecord } from './csv.ts'

/**
 * Rows as a CSV file (RFC 4180) whose columns are the fields of a schema, in its order and with their names in the first record. The
 * fields of an object are columns of their own, named `object.field`. A list of texts is separated by spaces; other values are JSON.
 * An optional field that no row has is left out.
 */
export function csvTable(schema: z.ZodType, rows: readonly object[]): string {
  const columns = columnsOf(schema, []).filter(
    ({ path, isOptional }) => !isOptional || rows.some((row) => valueAt(row, path) !== undefined),
  )
  const names = columns.map(({ path }) => path.join('.'))
  return [names, ...rows.map((row) => columns.map(({ path }) => printed(valueAt(row, path))))].map(csvRecord).join('')
}

type CsvColumn = { path: readonly string[]; isOptional: boolean }

function columnsOf(schema: z.ZodType, path: readonly string[], isOptional = false): CsvColumn[] {
  if (schema instanceof z.ZodOptional) return columnsOf(schema.unwrap() as z.ZodType, path, true)
  if (schema instanceof z.ZodNullable) return columnsOf(schema.unwrap() as z.ZodType, path, isOptional)
  if (!(schema instanceof z.ZodObject)) return [{ path, isOptional }]
  return Object.entries(schema.shape).flatMap(([name, field]) =>
    columnsOf(field as z.ZodType, [...path, name], isOptional),
  )
}

function valueAt(row: unknown, path: readonly string[]): unknown {
  let value = row
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

function printed(value: unknown): string | number | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'number' || typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(' ')
  return JSON.stringify(value)
}
