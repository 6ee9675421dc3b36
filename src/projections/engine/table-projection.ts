import { sql, type RawBuilder } from 'kysely'
import { z } from 'zod'
import { isEventOf, type EventCatalogue, type EventOf, type RecordedEvent } from '../../events/event.ts'
import type { Column, Columns, RowOf, RowSchema } from './columns.ts'
import type { Projection, Tx } from './projection.ts'

export type TableSpec<C extends Columns, Handled extends EventCatalogue, Key extends keyof C & string> = {
  /** Names the projection, its table and the view `read_models.<name>`. */
  name: string
  /** Raise it with every change of columns, indexes or `evolve`: the read model is then rebuilt. */
  version: number
  columns: C
  /** The primary key. */
  key: Key
  /** What follows `create index on <table>`. */
  indexes?: readonly RawBuilder<unknown>[]
  /** The event types that the projection handles, with their schemas. */
  handles: Handled
  /** The key of the row that an event changes; null: the event changes none. */
  keyOf: (event: RecordedEvent<EventOf<Handled>>) => RowOf<C>[Key] | null
  /** The row after an event; `row` is undefined before the first one. Throws for an event that cannot follow. */
  evolve: (row: RowOf<C> | undefined, event: RecordedEvent<EventOf<Handled>>) => RowOf<C>
  /** Each event makes a row of its own: rows are inserted without being read, and a duplicate violates a constraint. */
  isAppendOnly?: boolean
}

/** A projection that keeps one table, whose DDL, statements and row type derive from one list of columns. */
export type TableProjection<C extends Columns, Handled extends EventCatalogue, Key extends keyof C> = Projection & {
  key: Key
  row: RowSchema<C>
  evolve: (row: RowOf<C> | undefined, event: RecordedEvent<EventOf<Handled>>) => RowOf<C>
  /** Applies events to rows in memory, in place. Returns all rows, by key. */
  fold: (events: readonly RecordedEvent[], rows?: Map<RowOf<C>[Key], RowOf<C>>) => Map<RowOf<C>[Key], RowOf<C>>
  /** Rows of the generation that serves queries. `clauses` is everything after the `from` clause. */
  select: (tx: Tx, clauses: RawBuilder<unknown>) => Promise<RowOf<C>[]>
}

export function tableProjection<C extends Columns, Handled extends EventCatalogue, Key extends keyof C & string>({
  name,
  version,
  columns,
  key,
  indexes = [],
  handles,
  keyOf,
  evolve,
  isAppendOnly = false,
}: TableSpec<C, Handled, Key>): TableProjection<C, Handled, Key> {
  type Row = RowOf<C>
  type Rows = Map<Row[Key], Row>
  const row = z.object(
    Object.fromEntries(Object.entries(columns).map(([column, { schema }]) => [column, schema])),
  ) as RowSchema<C>
  const { definitions, names, typed, selected, updates } = statementParts(columns, key)
  const keyName = sql.id(key)
  const onConflict = isAppendOnly ? sql`` : sql`on conflict (${keyName}) do update set ${updates}`

  const canHandle = isEventOf(handles)

  const selectFrom = async (tx: Tx, schema: string, clauses: RawBuilder<unknown>): Promise<Row[]> => {
    const { rows } = await sql`select ${selected} from ${sql.id(schema, name)} ${clauses}`.execute(tx)
    return rows.map((found) => row.parse(found) as Row)
  }

  const keyed = (events: readonly RecordedEvent[]) =>
    events.filter(canHandle).flatMap((event) => {
      const of = keyOf(event)
      return of === null ? [] : [{ of, event }]
    })

  function foldInto(rows: Rows, events: ReturnType<typeof keyed>): Rows {
    for (const { of, event } of events) rows.set(of, evolve(rows.get(of), event))
    return rows
  }

  async function loadRows(tx: Tx, schema: string, keys: readonly Row[Key][]): Promise<Rows> {
    const array = sql.raw(`${columns[key]?.type}[]`)
    const rows = await selectFrom(tx, schema, sql`where ${keyName} = any(${keys}::${array})`)
    return new Map(rows.map((found) => [found[key], found]))
  }

  return {
    name,
    version,
    tables: [name],
    handles: new Set(Object.keys(handles)),
    key,
    row,
    evolve,
    fold: (events, rows = new Map()) => foldInto(rows, keyed(events)),
    select: (tx, clauses) => selectFrom(tx, 'read_models', clauses),

    async createTables(tx, schema) {
      await sql`create table ${sql.id(schema, name)} (${definitions})`.execute(tx)
      for (const index of indexes) await sql`create index on ${sql.id(schema, name)} ${index}`.execute(tx)
    },

    async apply(tx, schema, events) {
      const handled = keyed(events)
      if (handled.length === 0) return
      const keys = [...new Set(handled.map(({ of }) => of))]
      const rows = foldInto(isAppendOnly ? new Map<Row[Key], Row>() : await loadRows(tx, schema, keys), handled)
      await sql`
        insert into ${sql.id(schema, name)} (${names})
        select * from json_to_recordset(${JSON.stringify([...rows.values()])}::json) as row (${typed})
        ${onConflict}`.execute(tx)
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
