import { sql, type RawBuilder } from 'kysely'
import { z } from 'zod'
import type { RecordedEvent } from '../events/event.ts'
import type { StreamName } from '../events/identifiers.ts'
import type { Tx } from './engine/projection.ts'
import { IntegerColumn, storableText } from './engine/rows.ts'
import { logIndex, type LogIndexRow } from './log-index.ts'

/** Which events of the log: those that match each filter that is given. */
export type EventFilters = {
  stream?: { name: StreamName } | { prefix: string } | undefined
  types?: readonly string[] | undefined
  actor?: string | undefined
  request?: string | undefined
}

export type EventOrder = 'asc' | 'desc'

/** A page of the index. `next`: the sequence after which the next page begins, which may hold fewer events than asked for, or none. */
export type SelectedEvents = { rows: LogIndexRow[]; next: number | null }

/** How many rows one page looks at when several filters leave out most of what one index finds. */
const maxScanned = 20_000

/**
 * The events after a cursor (null: from the end of the log where the order begins) that match the filters, at most `limit`. One index
 * finds them, and looks at `maxScanned` rows at most, however long the log is.
 */
export async function selectEvents(
  tx: Tx,
  filters: EventFilters,
  { order, cursor, limit }: { order: EventOrder; cursor: number | null; limit: number },
): Promise<SelectedEvents> {
  const indexes = indexesFor(filters)
  const [first] = indexes
  const isExact = indexes.length === 0 || (indexes.length === 1 && first?.isPartial !== true)
  const { index, reach } = isExact
    ? { index: first ?? wholeLog, reach: null }
    : await farthest(tx, indexes, order, cursor)
  const range = between(order, cursor, reach)
  const rows = await (isExact
    ? firstRows(tx, index, range, order, limit + 1)
    : firstMatches(tx, index, range, indexes, order, limit + 1))
  if (rows.length > limit) return { rows: rows.slice(0, limit), next: rows[limit - 1]?.sequence ?? null }
  return { rows, next: reach }
}

/** The events that the command of an event wrote with it, those that caused it, and those that it caused; each at most `limit`. */
export async function selectLinks(
  tx: Tx,
  { sequence, metadata }: RecordedEvent,
  limit: number,
): Promise<Record<'causedBy' | 'followed' | 'together', LogIndexRow[]>> {
  const [actor, commandId] = [storableText(metadata.actor), storableText(metadata.commandId)]
  const [eventId, causationId] = [storableText(metadata.eventId), storableText(metadata.causationId)]
  const first = sql`order by sequence limit ${limit}`
  const caused = async (): Promise<LogIndexRow[]> => {
    if (causationId === commandId) return []
    const events = await logIndex.select(tx, sql`where event_id = ${causationId} ${first}`)
    return events.length > 0 ? events : logIndex.select(tx, sql`where command_id = ${causationId} ${first}`)
  }
  return {
    causedBy: await caused(),
    followed: await logIndex.select(
      tx,
      sql`where causation_id in (${eventId}, ${commandId}) and causation_id <> command_id ${first}`,
    ),
    together: await logIndex.select(
      tx,
      sql`where command_id = ${commandId} and actor = ${actor} and sequence <> ${sequence} ${first}`,
    ),
  }
}

/** The events of a stream after a sequence, in order, at most `limit`. */
export const selectStream = (tx: Tx, stream: StreamName, after: number, limit: number): Promise<LogIndexRow[]> =>
  logIndex.select(tx, sql`where stream = ${stream} and sequence > ${after} order by sequence limit ${limit}`)

/** An index that finds events in the order of the log. `values`: what it is asked for, one after another. */
type Index = {
  values: readonly string[]
  finds: (value: RawBuilder<unknown>) => RawBuilder<unknown>
  /** True for the events that it finds by any of its values. */
  matches: RawBuilder<unknown>
  /** It also finds events that do not match. */
  isPartial?: true
}

const wholeLog: Index = { values: [''], finds: () => sql`true`, matches: sql`true` }

/** The indexes that find the events of the filters, one for each filter. */
function indexesFor({ stream, types, actor, request }: EventFilters): Index[] {
  const indexes: Index[] = []
  if (request !== undefined) indexes.push(equal('request_id', [request]))
  if (stream && 'name' in stream) indexes.push(equal('stream', [stream.name]))
  if (stream && 'prefix' in stream) indexes.push(startsWith(stream.prefix))
  if (actor !== undefined) indexes.push(equal('actor', [actor]))
  if (types !== undefined) indexes.push(equal('type', types))
  return indexes
}

const equal = (column: string, given: readonly string[]): Index => {
  const values = given.map(storableText)
  return {
    values,
    finds: (value) => sql`${sql.id(column)} = ${value}`,
    matches: sql`${sql.id(column)} = any(${values}::text[])`,
  }
}

/** The category of the streams has an index; the rest of the prefix leaves out some of what that finds. */
function startsWith(prefix: string): Index {
  const matches = sql`starts_with(stream, ${prefix})`
  const slash = prefix.indexOf('/')
  if (slash < 0) return { ...wholeLog, matches, isPartial: true }
  const index = {
    values: [prefix.slice(0, slash)],
    finds: (value: unknown) => sql`split_part(stream, '/', 1) = ${value}`,
  }
  return slash === prefix.length - 1 ? { ...index, matches } : { ...index, matches, isPartial: true }
}

const beyond = (order: EventOrder, cursor: number | null): RawBuilder<unknown>[] =>
  cursor === null ? [] : [order === 'desc' ? sql`sequence < ${cursor}` : sql`sequence > ${cursor}`]

const between = (order: EventOrder, cursor: number | null, reach: number | null): RawBuilder<unknown>[] => [
  ...beyond(order, cursor),
  ...(reach === null ? [] : [order === 'desc' ? sql`sequence >= ${reach}` : sql`sequence <= ${reach}`]),
]

/**
 * The index whose first `maxScanned` rows reach farthest, and so hold the fewest that another filter leaves out. `reach`: the last
 * sequence among them; null: it has fewer rows.
 */
async function farthest(
  tx: Tx,
  indexes: readonly Index[],
  order: EventOrder,
  cursor: number | null,
): Promise<{ index: Index; reach: number | null }> {
  let best: { index: Index; reach: number } | undefined
  for (const index of indexes) {
    const reach = await reachOf(tx, index, order, cursor)
    if (reach === null) return { index, reach }
    if (!best || (order === 'desc' ? reach < best.reach : reach > best.reach)) best = { index, reach }
  }
  return best ?? { index: wholeLog, reach: null }
}

const Reached = z.tuple([z.object({ reach: IntegerColumn.nullable() })])

async function reachOf(tx: Tx, index: Index, order: EventOrder, cursor: number | null): Promise<number | null> {
  const { values, finds } = index
  const last = Math.floor(maxScanned / values.length) - 1
  const conditions = sql.join([finds(sql`wanted.value`), ...beyond(order, cursor)], sql` and `)
  const nearest = order === 'desc' ? sql`max(last.sequence)` : sql`min(last.sequence)`
  const { rows } = await sql`
    select ${nearest} as reach from unnest(${values}::text[]) as wanted (value) cross join lateral (
      select sequence from read_models.log_index where ${conditions} ${inOrder(order)} offset ${last} limit 1
    ) as last`.execute(tx)
  return Reached.parse(rows)[0].reach
}

/** The first rows that an index finds in a range. */
function firstRows(
  tx: Tx,
  { values, finds }: Index,
  range: readonly RawBuilder<unknown>[],
  order: EventOrder,
  limit: number,
): Promise<LogIndexRow[]> {
  const [only] = values
  const clauses = (value: RawBuilder<unknown>) =>
    sql`where ${sql.join([finds(value), ...range], sql` and `)} ${inOrder(order)} limit ${limit}`
  if (values.length === 1) return logIndex.select(tx, clauses(sql`${only}`))
  // Each value by a scan of its own: for all together, Postgres (15) would sort everything that they find.
  return among(
    tx,
    sql`select found.sequence from unnest(${values}::text[]) as wanted (value) cross join lateral (
      select sequence from read_models.log_index ${clauses(sql`wanted.value`)}
    ) as found`,
    order,
    limit,
  )
}

/** The first rows among those that an index finds in a range that match all filters. */
function firstMatches(
  tx: Tx,
  { values, finds }: Index,
  range: readonly RawBuilder<unknown>[],
  filters: readonly Index[],
  order: EventOrder,
  limit: number,
): Promise<LogIndexRow[]> {
  const matches = sql.join(
    filters.map((filter) => filter.matches),
    sql` and `,
  )
  // `offset 0` keeps Postgres from another index, which may find many more rows in the range.
  return among(
    tx,
    sql`select found.sequence from unnest(${values}::text[]) as wanted (value) cross join lateral (
      select sequence from (
        select * from read_models.log_index
        where ${sql.join([finds(sql`wanted.value`), ...range], sql` and `)} ${inOrder(order)} offset 0
      ) as scanned where ${matches} ${inOrder(order)} limit ${limit}
    ) as found`,
    order,
    limit,
  )
}

const inOrder = (order: EventOrder): RawBuilder<unknown> => sql`order by sequence ${sql.raw(order)}`

const among = (tx: Tx, sequences: RawBuilder<unknown>, order: EventOrder, limit: number): Promise<LogIndexRow[]> =>
  logIndex.select(tx, sql`where sequence in (${sequences}) ${inOrder(order)} limit ${limit}`)
