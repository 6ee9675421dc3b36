import { z } from 'zod'
import { IntegerColumn, TimeColumn } from './rows.ts'

/** A column of a read model: how Postgres stores it, and the schema of the value that pg returns for it. */
export type Column<Schema extends z.ZodType = z.ZodType> = {
  readonly type: string
  readonly collation?: string
  readonly isNullable?: true
  readonly isUnique?: true
  /** Reads the value as text: pg would turn a date into a local time. */
  readonly isReadAsText?: true
  readonly schema: Schema
}

/** Columns in the order of the table. */
export type Columns = Readonly<Record<string, Column>>
export type RowSchema<C extends Columns> = z.ZodObject<{ [Name in keyof C]: C[Name]['schema'] }>
/** A row as code sees it; its fields are named like the columns. */
export type RowOf<C extends Columns> = { [Name in keyof C]: z.output<C[Name]['schema']> }

export const textOf = <Schema extends z.ZodType<string | null>>(schema: Schema): Column<Schema> => ({
  type: 'text',
  schema,
})
export const text = textOf(z.string())
export const bigint: Column<typeof IntegerColumn> = { type: 'bigint', schema: IntegerColumn }
export const integer: Column<typeof IntegerColumn> = { type: 'integer', schema: IntegerColumn }
export const double: Column<z.ZodNumber> = { type: 'double precision', schema: z.number() }
export const boolean: Column<z.ZodBoolean> = { type: 'boolean', schema: z.boolean() }
export const date: Column<z.ZodString> = { type: 'date', schema: z.string(), isReadAsText: true }
export const timestamp: Column<typeof TimeColumn> = { type: 'timestamptz', schema: TimeColumn }

/** A JSON value. Postgres compares it by value and orders its keys; text in it must be storable. */
export const json = <Schema extends z.ZodType>(schema: Schema): Column<Schema> => ({ type: 'jsonb', schema })

export const nullable = <Schema extends z.ZodType>(column: Column<Schema>): Column<z.ZodNullable<Schema>> => ({
  ...column,
  isNullable: true,
  schema: column.schema.nullable(),
})

export const unique = <Schema extends z.ZodType>(column: Column<Schema>): Column<Schema> => ({
  ...column,
  isUnique: true,
})

/** Compared byte by byte, so that pages are in the same order on every server. */
export const bytewise = <Schema extends z.ZodType>(column: Column<Schema>): Column<Schema> => ({
  ...column,
  collation: 'C',
})
