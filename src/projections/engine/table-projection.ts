import type { RawBuilder } from 'kysely'
import { isEventOf, type EventCatalogue, type EventOf, type RecordedEvent } from '../../events/event.ts'
import type { Columns, RowOf, RowSchema } from './columns.ts'
import type { Tx } from './projection.ts'
import { rowsIn, type ReadModel } from './read-model.ts'
import { tableOf, type TableSpec } from './table.ts'

type Spec<C extends Columns, Handled extends EventCatalogue, Key extends keyof C & string> = TableSpec<C, Key> & {
  /** Raise it with every change of columns, indexes or `evolve`: the read model is then rebuilt. */
  version: number
  /** The event types that the projection handles, with their schemas. */
  handles: Handled
}

export type TableProjectionSpec<C extends Columns, Handled extends EventCatalogue, Key extends keyof C & string> = Spec<
  C,
  Handled,
  Key
> & {
  /** The key of the row that an event changes; null: the event changes none. */
  keyOf: (event: RecordedEvent<EventOf<Handled>>) => RowOf<C>[Key] | null
  /** The row after an event; `row` is undefined before the first one. Throws for an event that cannot follow. */
  evolve: (row: RowOf<C> | undefined, event: RecordedEvent<EventOf<Handled>>) => RowOf<C>
  /** Each event makes a row of its own: rows are inserted without being read, and a duplicate violates a constraint. */
  isAppendOnly?: boolean
}

export type GroupProjectionSpec<
  C extends Columns,
  Handled extends EventCatalogue,
  Key extends keyof C & string,
  Group extends keyof C & string,
> = Spec<C, Handled, Key> & {
  /** The column whose value the rows of a group share. */
  group: Group
  /** The group that an event changes; null: the event changes none. */
  groupOf: (event: RecordedEvent<EventOf<Handled>>) => RowOf<C>[Group] | null
  /**
   * The rows of the group after an event, none less than before; none before the first one. Throws for an event that
   * cannot follow.
   */
  evolve: (rows: readonly RowOf<C>[], event: RecordedEvent<EventOf<Handled>>) => readonly RowOf<C>[]
  isAppendOnly?: boolean
}

/** A read model that keeps one table, or has a main one. */
export type TableProjection<C extends Columns, Key extends keyof C> = ReadModel & {
  key: Key
  row: RowSchema<C>
  /** The rows after these events, by key. */
  fold: (events: readonly RecordedEvent[]) => Map<RowOf<C>[Key], RowOf<C>>
  /** Rows of the generation that serves queries. `clauses` is everything after the `from` clause. */
  select: (tx: Tx, clauses: RawBuilder<unknown>) => Promise<RowOf<C>[]>
}

/** A projection that keeps one table. An event changes one row. */
export const tableProjection = <C extends Columns, Handled extends EventCatalogue, Key extends keyof C & string>({
  keyOf,
  evolve,
  ...spec
}: TableProjectionSpec<C, Handled, Key>): TableProjection<C, Key> =>
  groupProjection({ ...spec, group: spec.key, groupOf: keyOf, evolve: ([row], event) => [evolve(row, event)] })

/** A projection that keeps one table. An event changes all rows of a group, such as the ballots of an election. */
export function groupProjection<
  C extends Columns,
  Handled extends EventCatalogue,
  Key extends keyof C & string,
  Group extends keyof C & string,
>({
  version,
  handles,
  group,
  groupOf,
  evolve,
  isAppendOnly = false,
  ...spec
}: GroupProjectionSpec<C, Handled, Key, Group>): TableProjection<C, Key> {
  type Row = RowOf<C>
  type Groups = Map<Row[Group], readonly Row[]>
  const table = tableOf(spec)
  const { name, key, row } = table
  const canHandle = isEventOf(handles)

  const grouped = (events: readonly RecordedEvent[]) =>
    events.filter(canHandle).flatMap((event) => {
      const of = groupOf(event)
      return of === null ? [] : [{ of, event }]
    })

  function foldInto(groups: Groups, events: ReturnType<typeof grouped>): Row[] {
    for (const { of, event } of events) groups.set(of, evolve(groups.get(of) ?? [], event))
    return [...groups.values()].flat()
  }

  async function loadGroups(tx: Tx, schema: string, events: ReturnType<typeof grouped>): Promise<Groups> {
    const rows = await table.load(tx, schema, group, [...new Set(events.map(({ of }) => of))])
    return Map.groupBy(rows, (found) => found[group])
  }

  const foldTables: ReadModel['foldTables'] = (events, tables = new Map()) => {
    const rows = rowsIn<Row[Key], Row>(tables, name)
    const groups: Groups = Map.groupBy(rows.values(), (found) => found[group])
    for (const folded of foldInto(groups, grouped(events))) rows.set(folded[key], folded)
    return tables
  }

  return {
    name,
    version,
    tables: [name],
    stored: [table],
    handles: new Set(Object.keys(handles)),
    key,
    row,
    foldTables,
    fold: (events) => rowsIn(foldTables(events), name),
    select: (tx, clauses) => table.select(tx, 'read_models', clauses),
    createTables: table.create,

    async apply(tx, schema, events) {
      const handled = grouped(events)
      if (isAppendOnly) await table.insert(tx, schema, foldInto(new Map(), handled))
      else await table.save(tx, schema, foldInto(await loadGroups(tx, schema, handled), handled))
    },
  }
}
