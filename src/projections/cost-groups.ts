import { sql, type RawBuilder } from 'kysely'
import { z } from 'zod'
import { zonedDay } from '../events/day.ts'
import { Position } from '../events/identifiers.ts'
import type { CostRow } from './costs.ts'
import type { Tx } from './engine/projection.ts'
import { IntegerColumn, storableText } from './engine/rows.ts'

/** What costs can be grouped by. An hour or a day is that of the settlement, in a time zone. */
export const costGroupings = ['model', 'member', 'agent', 'user', 'request', 'phase', 'hour', 'day'] as const
export type CostGrouping = (typeof costGroupings)[number]

/** Several groupings, each once, comma-separated. */
export const CostGroupings = z
  .string()
  .transform((list) => list.split(','))
  .pipe(z.array(z.enum(costGroupings)).refine((by) => new Set(by).size === by.length, 'names a grouping twice'))
  .meta({
    description: `Several, comma-separated, each once: ${costGroupings.join(', ')}. By default one sum over all.`,
  })

/**
 * The calls of one group. `keys` has one value for each grouping: a name; null for calls without one; a day, `yyyy-mm-dd`; or the
 * first instant of an hour (ISO 8601 UTC).
 */
export type CostGroup = { keys: (string | null)[] } & CostSums & { first: Position; last: Position }
type CostSums = {
  calls: number
  promptTokens: number
  /** Of the calls whose server reports them. */
  cachedPromptTokens: number
  completionTokens: number
  /** Integer micro-dollars. */
  costMicros: number
  /** Calls that were charged at their reservations, because their usage is not known. */
  callsOfUnknownUsage: number
}

/** Sums over calls. */
export const costSums = (rows: readonly CostRow[]): CostSums => {
  const sum = (of: (row: CostRow) => number): number => rows.reduce((total, row) => total + of(row), 0)
  return {
    calls: rows.length,
    promptTokens: sum((row) => row.prompt_tokens),
    cachedPromptTokens: sum((row) => row.cached_prompt_tokens ?? 0),
    completionTokens: sum((row) => row.completion_tokens),
    costMicros: sum((row) => row.actual_micros),
    callsOfUnknownUsage: rows.filter(({ usage }) => usage === 'unknown').length,
  }
}

/** The groups of rows in the order of their keys, each with its rows. The same groups as `selectCostGroups`. */
export function groupCosts(
  rows: readonly CostRow[],
  by: readonly CostGrouping[],
  timeZone: string,
): { keys: (string | null)[]; rows: CostRow[] }[] {
  const keysOf = (row: CostRow) => by.map((grouping) => keyOf(row, grouping, timeZone))
  return [...Map.groupBy(rows, (row) => JSON.stringify(keysOf(row)))]
    .map(([keys, of]) => ({ keys: JSON.parse(keys) as (string | null)[], rows: of }))
    .toSorted((a, b) => compareKeys(a.keys, b.keys))
}

function keyOf(row: CostRow, grouping: CostGrouping, timeZone: string): string | null {
  switch (grouping) {
    case 'model':
    case 'member':
    case 'agent':
    case 'phase':
      return row[grouping]
    case 'user':
      return row.asker
    case 'request':
      return row.request_id
    case 'day':
      return zonedDay(row.settled_at, timeZone).day
    case 'hour':
      return hourOf(row.settled_at, timeZone)
    default:
      return grouping satisfies never
  }
}

/** The first instant of an hour as clocks in the zone show it. An hour that clocks show twice is two hours. */
function hourOf(time: string, timeZone: string): string {
  const { minute, second, millisecond, epochMilliseconds } = Temporal.Instant.from(time).toZonedDateTimeISO(timeZone)
  return new Date(epochMilliseconds - (minute * 60 + second) * 1_000 - millisecond).toISOString()
}

/** By their bytes, as Postgres orders them; no name comes first. */
function compareKeys(left: readonly (string | null)[], right: readonly (string | null)[]): number {
  for (const [index, key] of left.entries()) {
    const order = Buffer.compare(Buffer.from(key ?? ''), Buffer.from(right[index] ?? ''))
    if (order !== 0) return order
  }
  return 0
}

type Selection = {
  by: readonly CostGrouping[]
  /** An IANA name. */
  timeZone: string
  /** Milliseconds, both included; null: open. */
  fromMs: number | null
  toMs: number | null
  /** Only the calls for this subject; null: for all. */
  asker: string | null
}

/** A page of groups in the order of their keys, after the keys of a group (`''` for null) or from the first. */
export async function selectCostGroups(
  tx: Tx,
  { by, timeZone, fromMs, toMs, asker }: Selection,
  after: readonly string[] | undefined,
  limit: number,
): Promise<CostGroup[]> {
  const keys = by.map((grouping) => sql`coalesce(${keyExpression(grouping, timeZone)}, '') collate "C"`)
  const names = by.map((_, index) => sql.ref(`key${index}`))
  const ofRange = [
    ...(fromMs === null ? [] : [sql`settled_at >= ${instant(fromMs)}`]),
    ...(toMs === null ? [] : [sql`settled_at < ${instant(toMs + 1)}`]),
    ...(asker === null ? [] : [sql`asker = ${storableText(asker)}`]),
  ]
  const afterKeys =
    after === undefined || by.length === 0
      ? sql``
      : sql`where (${sql.join(names)}) > (${sql.join(after.map((key) => sql`${key}::text`))})`
  const { rows } = await sql`
    with keyed as (
      select ${sql.join([...keys.map((key, index) => sql`${key} as ${names[index]}`), sql`costs.*`])}
      from read_models.costs ${ofRange.length === 0 ? sql`` : sql`where ${sql.join(ofRange, sql` and `)}`}
    ), sums as (
      select ${sql.join([
        ...names,
        sql`count(*) as calls`,
        sql`sum(prompt_tokens)::bigint as prompt_tokens`,
        sql`coalesce(sum(cached_prompt_tokens), 0)::bigint as cached_prompt_tokens`,
        sql`sum(completion_tokens)::bigint as completion_tokens`,
        sql`sum(actual_micros)::bigint as cost_micros`,
        sql`count(*) filter (where usage = 'unknown') as unknown_usage`,
        sql`min(sequence) as first_sequence`,
        sql`max(sequence) as last_sequence`,
      ])}
      from keyed ${afterKeys} ${by.length === 0 ? sql`having count(*) > 0` : sql`group by ${sql.join(names)} order by ${sql.join(names)}`}
      limit ${limit}
    )
    select ${sql`array[${sql.join(names)}]::text[] as keys`}, calls, sums.prompt_tokens, sums.cached_prompt_tokens,
      sums.completion_tokens, cost_micros, unknown_usage, first.position as first, last.position as last
    from sums
      join read_models.costs first on first.sequence = first_sequence
      join read_models.costs last on last.sequence = last_sequence
    ${by.length === 0 ? sql`` : sql`order by ${sql.join(names)}`}`.execute(tx)
  return Groups.parse(rows)
}

const instant = (ms: number): RawBuilder<unknown> => sql`to_timestamp(${ms}::double precision / 1000)`

function keyExpression(grouping: CostGrouping, timeZone: string): RawBuilder<unknown> {
  const local = sql`(settled_at at time zone ${timeZone}::text)`
  switch (grouping) {
    case 'model':
    case 'member':
    case 'agent':
    case 'phase':
      return sql.ref(grouping)
    case 'user':
      return sql.ref('asker')
    case 'request':
      return sql.ref('request_id')
    case 'day':
      return sql`to_char(${local}, 'YYYY-MM-DD')`
    case 'hour':
      return sql`to_char((settled_at - (${local} - date_trunc('hour', ${local}))) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
    default:
      return grouping satisfies never
  }
}

const Groups = z.array(
  z
    .object({
      keys: z.array(z.string()).transform((keys) => keys.map((key) => (key === '' ? null : key))),
      calls: IntegerColumn,
      prompt_tokens: IntegerColumn,
      cached_prompt_tokens: IntegerColumn,
      completion_tokens: IntegerColumn,
      cost_micros: IntegerColumn,
      unknown_usage: IntegerColumn,
      first: Position,
      last: Position,
    })
    .transform((row): CostGroup => ({
      keys: row.keys,
      calls: row.calls,
      promptTokens: row.prompt_tokens,
      cachedPromptTokens: row.cached_prompt_tokens,
      completionTokens: row.completion_tokens,
      costMicros: row.cost_micros,
      callsOfUnknownUsage: row.unknown_usage,
      first: row.first,
      last: row.last,
    })),
)

/** The names under which `printCostKeys` prints the keys of a group. */
export const costKeyNames = (by: readonly CostGrouping[]): string[] =>
  by.flatMap((grouping) => (grouping === 'day' ? ['day', 'opensAt', 'closesAt'] : [grouping]))

/** The keys of a group under their names. An hour has the offset of its zone; a day its first instant and that of the next day. */
export function printCostKeys(
  by: readonly CostGrouping[],
  keys: readonly (string | null)[],
  timeZone: string,
): Record<string, string | null> {
  const valuesOf = (grouping: CostGrouping, key: string | null): (string | null)[] => {
    if (key === null || (grouping !== 'day' && grouping !== 'hour')) return [key]
    if (grouping === 'hour') return [zonedHour(key, timeZone)]
    const day = Temporal.PlainDate.from(key)
    return [key, startOf(day, timeZone), startOf(day.add({ days: 1 }), timeZone)]
  }
  const values = by.flatMap((grouping, index) => valuesOf(grouping, keys[index] ?? null))
  return Object.fromEntries(costKeyNames(by).map((name, index) => [name, values[index] ?? null]))
}

const startOf = (day: Temporal.PlainDate, timeZone: string): string =>
  new Date(day.toZonedDateTime(timeZone).epochMilliseconds).toISOString()

const zonedHour = (hour: string, timeZone: string): string =>
  Temporal.Instant.from(hour).toZonedDateTimeISO(timeZone).toString({ timeZoneName: 'never', smallestUnit: 'second' })
