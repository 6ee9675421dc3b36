import { sql, type RawBuilder } from 'kysely'
import { z } from 'zod'
import type { Column, Columns, RowOf, RowSchema } from './columns.ts'
import type { Tx } from './projection.ts'

export type TableSpec<C extends Columns, Key extends keyof C & string> = {
  /** Names the table and the view `read_models.<name>`. */
  name: string
  columns: C
  /** The primary key. */
  key: Key
  /** What follows `create index on <table>`. */
  indexes?: readonly RawBuilder<unknown>[]
}

/** One table of a projection, whose DDL, statements and row type derive from one list of columns. */
export type Table<C extends Columns, Key extends keyof C> = {
  name: string
  key: Key
  row: RowSchema<C>
  create: (tx: Tx, schema: string) => Promise<void>
  /** Rows of one schema. `clauses` is everything after the `from` clause. */
  select: (tx: Tx, schema: string, clauses: RawBuilder<unknown>) => Promise<RowOf<C>[]>
  /** The rows that have one of these values in a column. */
  load: <Name extends keyof C & string>(
    tx: Tx,
    schema: string,
    column: Name,
    values: readonly RowOf<C>[Name][],
  ) => Promise<RowOf<C>[]>
  /** Writes new rows. A duplicate violates a constraint. */
  insert: (tx: Tx, schema: string, rows: readonly RowOf<C>[]) => Promise<void>
  /** Writes rows over those with the same keys. */
  save: (tx: Tx, schema: string, rows: readonly RowOf<C>[]) => Promise<void>
  remove: (tx: Tx, schema: string, keys: readonly RowOf<C>[Key][]) => Promise<void>
}

export function tableOf<C extends Columns, Key extends keyof C & string>({
  name,
  columns,
  key,
  indexes = [],
}: TableSpec<C, Key>): Table<C, Key> {
  type Row = RowOf<C>
  const row = z.object(
    Object.fromEntries(Object.entries(columns).map(([column, { schema }]) => [column, schema])),
  ) as RowSchema<C>
  const { definitions, names, typed, selected, updates } = statementParts(columns, key)
  const isOneOf = (column: string, values: readonly unknown[]) =>
    sql`${sql.id(column)} = any(${values}::${sql.raw(`${columns[column]?.type}[]`)})`

  const select = async (tx: Tx, schema: string, clauses: RawBuilder<unknown>): Promise<Row[]> => {
    const { rows } = await sql`select ${selected} from ${sql.id(schema, name)} ${clauses}`.execute(tx)
    return rows.map((found) => row.parse(found) as Row)
  }

  async function write(tx: Tx, schema: string, rows: readonly Row[], onConflict: RawBuilder<unknown>): Promise<void> {
    if (rows.length === 0) return
    await sql`
      insert into ${sql.id(schema, name)} (${names})
      select * from json_to_recordset(${JSON.stringify(rows)}::json) as row (${typed})
      ${onConflict}`.execute(tx)
  }

  return {
    name,
    key,
    row,
    select,
    async create(tx, schema) {
      await sql`create table ${sql.id(schema, name)} (${definitions})`.execute(tx)
      for (const index of indexes) await sql`create index on ${sql.id(schema, name)} ${index}`.execute(tx)
    },
    load: async (tx, schema, column, values) =>
      values.length === 0 ? [] : select(tx, schema, sql`where ${isOneOf(column, values)}`),
    insert: (tx, schema, rows) => write(tx, schema, rows, sql``),
    save: (tx, schema, rows) => write(tx, schema, rows, sql`on conflict (${sql.id(key)}) do update set ${updates}`),
    async remove(tx, schema, keys) {
      if (keys.length > 0) await sql`delete from ${sql.id(schema, name)} where ${isOneOf(key, keys)}`.execute(tx)
    },
  }
}

/** The parts of the SQL statements that follow from the columns. */
function statementParts(columns: Columns, key: string) {
  const entries = Object.entries(columns)
  const each = (part: (name: RawBuilder<unknown>, column: Column) => RawBuilder<unknown>): RawBuilder<unknown> =>
    sql.join(entries.map(([name, column]) => part(sql.id(name), column)))
  return {
    definitions: sql.join(entries.map(([name, column]) => definitionOf(name, column, name === key))),
    names: each((name) => name),
    typed: each((name, { type }) => sql`${name} ${sql.raw(type)}`),
    selected: each((name, { isReadAsText }) => (isReadAsText ? sql`${name}::text as ${name}` : name)),
    updates: sql.join(
      entries.filter(([name]) => name !== key).map(([name]) => sql`${sql.id(name)} = excluded.${sql.id(name)}`),
    ),
  }
}

function definitionOf(
  name: string,
  { type, collation, isNullable, isUnique }: Column,
  isKey: boolean,
): RawBuilder<unknown> {
  const constraint = isKey ? ' primary key' : `${isNullable ? '' : ' not null'}${isUnique ? ' unique' : ''}`
  return sql`${sql.id(name)} ${sql.raw(`${type}${collation === undefined ? '' : ` collate "${collation}"`}${constraint}`)}`
}
