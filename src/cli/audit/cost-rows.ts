import type { Position } from '../../events/identifiers.ts'
import { costKeyNames, costSums, groupCosts, printCostKeys, type CostGrouping } from '../../projections/cost-groups.ts'
import type { CostRow } from '../../projections/costs.ts'
import { dollarsAndMicros } from '../money.ts'
import type { Output } from '../output.ts'

/** The sums of a group, as they are printed. `explain` adds the position of every debit behind them. */
type AuditedGroup = {
  keys: Record<string, string | null>
  sums: ReturnType<typeof costSums>
  positions: { first: Position | null; last: Position | null }
  from?: { all: Position[]; unknownUsage: Position[] }
}

export const auditedGroups = (
  rows: readonly CostRow[],
  by: readonly CostGrouping[],
  timeZone: string,
  explain: boolean,
): AuditedGroup[] =>
  groupCosts(rows, by, timeZone).map(({ keys, rows: of }) => ({
    keys: printCostKeys(by, keys, timeZone),
    sums: costSums(of),
    positions: { first: of[0]?.position ?? null, last: of.at(-1)?.position ?? null },
    ...(explain && {
      from: { all: positionsOf(of), unknownUsage: positionsOf(of.filter(({ usage }) => usage === 'unknown')) },
    }),
  }))

const positionsOf = (rows: readonly CostRow[]): Position[] => rows.map(({ position }) => position)

export async function printGroups(output: Output, groups: readonly AuditedGroup[]): Promise<void> {
  const nameOf = ({ keys }: AuditedGroup) =>
    Object.entries(keys)
      .filter(([key]) => key !== 'opensAt' && key !== 'closesAt')
      .map(([, value]) => value ?? '-')
      .join(', ')
  const width = Math.max(0, ...groups.map((group) => nameOf(group).length))
  await output.forPeople(
    output.paint(
      'bold',
      `${''.padEnd(width)}  ${figureNames.map(([name, columns]) => name.padStart(columns)).join('  ')}`,
    ),
  )
  for (const group of groups) {
    const { keys, sums, positions, from } = group
    await output.result({ kind: 'group', ...keys, ...sums, positions, ...(from && { from }) }, () => [
      `${nameOf(group).padEnd(width)}  ${figuresOf(sums)}  ${positions.first} … ${positions.last}`,
      ...(from ? [`    from ${from.all.join(', ')}`] : []),
      ...(from && from.unknownUsage.length > 0 ? [`    unknown usage: ${from.unknownUsage.join(', ')}`] : []),
    ])
  }
}

const figureNames = [
  ['calls', 7],
  ['unknown', 7],
  ['in', 12],
  ['cached', 12],
  ['out', 12],
  ['µ$', 15],
] as const

const figuresOf = (sums: AuditedGroup['sums']): string =>
  [
    sums.calls,
    sums.callsOfUnknownUsage,
    sums.promptTokens,
    sums.cachedPromptTokens,
    sums.completionTokens,
    sums.costMicros,
  ]
    .map((value, index) => number(value, figureNames[index]?.[1] ?? 0))
    .join('  ')

/** The groups as records of a CSV file, the names of its columns first. */
export function groupsCsv(
  by: readonly CostGrouping[],
  groups: readonly AuditedGroup[],
  explain: boolean,
): (string | number | null)[][] {
  const figures = Object.keys(costSums([]))
  return [
    [...costKeyNames(by), ...figures, 'first', 'last', ...(explain ? ['positions'] : [])],
    ...groups.map(({ keys, sums, positions: { first, last }, from }) => [
      ...Object.values(keys),
      ...Object.values<number>(sums),
      ...[first, last],
      ...(from ? [from.all.join(' ')] : []),
    ]),
  ]
}

export async function printCalls(output: Output, rows: readonly CostRow[]): Promise<void> {
  await output.forPeople(
    output.paint(
      'bold',
      `${'position'.padEnd(17)}  ${'request'.padEnd(36)}  ${'phase, member'.padEnd(20)}  ${'in'.padStart(7)}  ${'out'.padStart(7)}  ${'µ$'.padStart(9)}  price`,
    ),
  )
  for (const row of rows)
    await output.result({ kind: 'call', ...publicCall(row) }, () => {
      const who = `${row.phase}, ${row.member}${row.usage === 'reported' ? '' : ` (${row.usage})`}`
      return `${row.position.padEnd(17)}  ${row.request_id.padEnd(36)}  ${who.padEnd(20)}  ${number(row.prompt_tokens, 7)}  ${number(row.completion_tokens, 7)}  ${number(row.actual_micros, 9)}  ${row.price_ref}`
    })
}

const callColumns = {
  position: (row: CostRow) => row.position,
  stream: (row: CostRow) => row.stream,
  requestId: (row: CostRow) => row.request_id,
  callId: (row: CostRow) => row.call_id,
  user: (row: CostRow) => row.asker,
  agent: (row: CostRow) => row.agent,
  model: (row: CostRow) => row.model,
  phase: (row: CostRow) => row.phase,
  member: (row: CostRow) => row.member,
  usage: (row: CostRow) => row.usage,
  promptTokens: (row: CostRow) => row.prompt_tokens,
  cachedPromptTokens: (row: CostRow) => row.cached_prompt_tokens,
  completionTokens: (row: CostRow) => row.completion_tokens,
  priceRef: (row: CostRow) => row.price_ref,
  costMicros: (row: CostRow) => row.actual_micros,
  settledAt: (row: CostRow) => row.settled_at,
} satisfies Record<string, (row: CostRow) => string | number | null>

const publicCall = (row: CostRow): Record<string, string | number | null> =>
  Object.fromEntries(Object.entries(callColumns).map(([name, of]) => [name, of(row)]))

/** Calls as records of a CSV file, the names of its columns first. */
export const callsCsv = (rows: readonly CostRow[]): (string | number | null)[][] => [
  Object.keys(callColumns),
  ...rows.map((row) => Object.values(publicCall(row))),
]

export async function printRequests(output: Output, rows: readonly CostRow[]): Promise<void> {
  if (rows.length === 0) return
  await output.forPeople('')
  for (const [requestId, calls] of Map.groupBy(rows, (row) => row.request_id)) {
    const total = { kind: 'request', requestId, ...costSums(calls), positions: positionsOf(calls) }
    await output.result(
      total,
      () =>
        `${requestId.padEnd(36)}  ${calls.length.toLocaleString('en')} call${calls.length === 1 ? '' : 's'}, ${dollarsAndMicros(total.costMicros)}, from ${total.positions.join(', ')}`,
    )
  }
}

const number = (value: number, width: number): string => value.toLocaleString('en').padStart(width)
