import { bucketsOf, type Bucket, type Span } from './period.ts'

export const groupings = ['member', 'model', 'agent', 'user', 'phase'] as const
export type Grouping = (typeof groupings)[number]

/** A row of `GET /v1/costs`, grouped by an hour or a day and by one more grouping. */
export type CostRow = Partial<Record<Grouping, string | null>> & {
  /** The first instant of the hour, with its offset. */
  hour?: string
  /** The first instant of the day. */
  opensAt?: string
  calls: number
  costMicros: number
  promptTokens: number
  completionTokens: number
  positions: { first: string; last: string }
}

/** The sums of one group over a period. `name`: null for calls without one. */
export type CostGroup = Pick<CostRow, 'calls' | 'costMicros' | 'promptTokens' | 'completionTokens' | 'positions'> & {
  name: string | null
}

/** The groups over all hours or days, the dearest first. */
export function groupsOf(rows: readonly CostRow[], by: Grouping): CostGroup[] {
  const sums = new Map<string | null, CostGroup>()
  for (const row of rows) {
    const name = row[by] ?? null
    const { calls, costMicros, promptTokens, completionTokens, positions } = row
    const before = sums.get(name)
    sums.set(
      name,
      before === undefined
        ? { name, calls, costMicros, promptTokens, completionTokens, positions }
        : {
            name,
            calls: before.calls + calls,
            costMicros: before.costMicros + costMicros,
            promptTokens: before.promptTokens + promptTokens,
            completionTokens: before.completionTokens + completionTokens,
            positions: {
              first: earlier(positions.first, before.positions.first) ? positions.first : before.positions.first,
              last: earlier(before.positions.last, positions.last) ? positions.last : before.positions.last,
            },
          },
    )
  }
  return [...sums.values()].toSorted((a, b) => b.costMicros - a.costMicros)
}

/** Whether a position, `<ms>-<seq>`, comes before another. */
function earlier(left: string, right: string): boolean {
  const [leftMs = 0, leftSeq = 0] = left.split('-').map(Number)
  const [rightMs = 0, rightSeq = 0] = right.split('-').map(Number)
  return leftMs < rightMs || (leftMs === rightMs && leftSeq < rightSeq)
}

/** The figures of a plot: a column for each hour or day, and in it a part for each group. */
export type Columns = {
  /** The first instant of each column, in milliseconds. */
  startsMs: number[]
  /** From the dearest on; the last may sum several small ones. Micro-dollars, one for each column. */
  parts: { name: string | null; label: string; valuesMicros: number[] }[]
}

/** Groups with colours of their own. The other ones share the last part. */
const mostParts = 6

/** The columns of a period, those without costs included. */
export function columnsOf(
  rows: readonly CostRow[],
  { by, bucket, span }: { by: Grouping; bucket: Bucket; span: Span },
): Columns {
  const startOf = (row: CostRow): number => Date.parse((bucket === 'hour' ? row.hour : row.opensAt) ?? '')
  const startsMs = [...new Set([...bucketsOf(span, bucket), ...rows.map(startOf)])]
    .filter(Number.isFinite)
    .toSorted((a, b) => a - b)
  const place = new Map(startsMs.map((start, index) => [start, index]))
  const groups = groupsOf(rows, by)
  const named = new Set(groups.slice(0, groups.length > mostParts ? mostParts - 1 : mostParts).map(({ name }) => name))
  const shown = groups.filter(({ name }) => named.has(name))
  const parts = shown.map(({ name }) => ({ name, label: labelOf(name), valuesMicros: startsMs.map(() => 0) }))
  const others = groups.length - shown.length
  if (others > 0) parts.push({ name: null, label: `${others} others`, valuesMicros: startsMs.map(() => 0) })
  const partOf = new Map(shown.map(({ name }, index) => [name, index]))
  for (const row of rows) {
    const values = parts[partOf.get(row[by] ?? null) ?? shown.length]?.valuesMicros
    const column = place.get(startOf(row))
    if (values && column !== undefined) values[column] = (values[column] ?? 0) + row.costMicros
  }
  return { startsMs, parts }
}

export const labelOf = (name: string | null): string => name ?? 'none'
