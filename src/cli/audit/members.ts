import { sql } from 'kysely'
import type { RecordedEvent } from '../../events/event.ts'
import type { Position } from '../../events/identifiers.ts'
import {
  addFigures,
  memberChanges,
  memberReport,
  noFigures,
  nothingUnderway,
  type MemberChange,
  type MemberFigures,
  type MemberReport,
} from '../../projections/member-figures.ts'
import { isSeating, members, seatedIn, type MemberRow } from '../../projections/members.ts'
import type { CliContext } from '../context.ts'
import { inRange, type Range } from '../range.ts'
import { fit, type Output } from '../output.ts'
import { assertAgrees, auditTable, comparisonLine, type Comparison } from './audit-table.ts'

/** A member as the newest seating that has it describes it, with its figures in the range, and the events behind each. */
type Audited = {
  member: string
  seated: Pick<MemberRow, 'name' | 'persona' | 'model' | 'weight' | 'seat'>
  sums: MemberFigures
  report: MemberReport
  positions: Partial<Record<keyof MemberFigures | 'seat', Position[]>>
}

/** Wins against costs, among the members that sat in an election. */
type Worth = {
  winShare: number | null
  costShare: number | null
  /** The share of the wins for each share of the cost: above 1 a member wins more than it costs. */
  value: number | null
}

/**
 * `council audit members`: who each member is and whether it sits now, and its drafts, wins, ranks, votes and costs,
 * from the log, with the position of the event behind every figure; which member is worth its price; and whether the
 * read model shows the same. A range counts the events in it; the seats are those of now, and the read model is
 * compared as a whole. Throws CliError `read_model_differs`.
 */
export async function auditMembers(options: Range, { config, output }: CliContext): Promise<number> {
  const within = inRange(options)
  await using closing = new AsyncDisposableStack()
  const { log, compare } = await auditTable(members, { clauses: sql``, noun: 'member' }, config, closing)
  const events: RecordedEvent[] = []
  for await (const page of log.read({ types: [...(members.handles ?? [])] })) events.push(...page)
  const changes = memberChanges(events, nothingUnderway()).filter(({ position }) => within(position))
  const rowOf = members.fold(events)
  const seatedNow = [...rowOf.values()].filter(({ seat }) => seat !== null).map(({ member }) => member)
  const audited = [...new Set([...changes.map(({ member }) => member), ...seatedNow])].map((member) => {
    const own = changes.filter((change) => change.member === member)
    return auditedOf(member, own, rowOf.get(member), events)
  })
  const worthOf = worthAmong(audited.filter(({ sums }) => sums.elections > 0))
  const rows = audited
    .map((one) => ({ ...one, worth: worthOf(one) }))
    .toSorted((a, b) => (b.worth.value ?? -1) - (a.worth.value ?? -1) || (a.member < b.member ? -1 : 1))

  await output.forPeople(output.paint('bold', heading))
  for (const row of rows) await printMember(output, row)
  const readModel = compare(events)
  await printTotal(output, rows, readModel)
  assertAgrees(readModel)
  return 0
}

function auditedOf(
  member: string,
  changes: readonly MemberChange[],
  row: MemberRow | undefined,
  events: readonly RecordedEvent[],
): Audited {
  const sums = changes.reduce((before, { figures }) => addFigures(before, figures), noFigures)
  const names = Object.keys(noFigures) as (keyof MemberFigures)[]
  const positionsOf = (name: keyof MemberFigures) =>
    changes.filter(({ figures }) => (figures[name] ?? 0) !== 0).map(({ position }) => position)
  const seating = events.filter(isSeating).findLast((event) => seatedIn(event).includes(member))
  const { name = null, persona = null, model = null, weight = null, seat = null } = row ?? {}
  return {
    member,
    seated: { name, persona, model, weight, seat },
    sums,
    report: memberReport(sums),
    positions: {
      seat: seating ? [seating.position] : [],
      ...Object.fromEntries(names.map((figure) => [figure, [...new Set(positionsOf(figure))]])),
    },
  }
}

function worthAmong(seated: readonly Audited[]): (member: Audited) => Worth {
  const wins = seated.reduce((sum, { sums }) => sum + sums.wins, 0)
  const costMicros = seated.reduce((sum, { sums }) => sum + sums.cost_micros, 0)
  return (member) => {
    const isSeated = seated.includes(member)
    const winShare = isSeated && wins > 0 ? member.sums.wins / wins : null
    const costShare = isSeated && costMicros > 0 ? member.sums.cost_micros / costMicros : null
    return { winShare, costShare, value: winShare === null || !costShare ? null : winShare / costShare }
  }
}

const heading = [
  'member'.padEnd(16),
  ...['elections', 'drafts', 'failed', 'wins', 'mean rank', 'ballots', 'abstained', 'agrees', 'calls'],
  ...['µ$'.padStart(9), 'µ$ per win', 'ms a draft', 'wins/cost'],
].join('  ')

async function printMember(output: Output, { member, seated, report, positions, worth }: Audited & { worth: Worth }) {
  const {
    seat,
    elections,
    drafts,
    drafts_failed: draftsFailed,
    candidates_ranked: meanRank,
    draft_ms: meanDraftMs,
    wins,
    ballots,
    abstentions,
    ballots_compared: agreement,
    calls,
    cost_micros: costMicros,
  } = positions
  const behind = {
    ...{
      seat,
      elections,
      drafts,
      draftsFailed,
      meanDraftMs,
      wins,
      meanRank,
      ballots,
      abstentions,
      agreement,
      calls,
      costMicros,
    },
  }
  await output.result({ kind: 'member', member, ...seated, ...report, ...worth, positions: behind }, () => [
    [
      member.padEnd(16),
      cell(report.elections, 9),
      cell(report.drafts, 6),
      cell(report.draftsFailed, 6),
      cell(report.wins, 4),
      cell(report.meanRank, 9, 2),
      cell(report.ballots, 7),
      cell(report.abstentions, 9),
      percent(report.agreement).padStart(6),
      cell(report.calls, 5),
      cell(report.costMicros, 9),
      cell(report.costPerWinMicros, 10),
      cell(report.meanDraftMs, 10),
      cell(worth.value, 9, 2),
    ].join('  '),
    ...describeSeat(seated).map((line) => output.paint('dim', fit(line, output.columns))),
  ])
}

/** Who a member is, in one line; none for those that never sat, such as the fast path. */
function describeSeat({ name, persona, model, weight, seat }: Audited['seated']): string[] {
  if (name === null || persona === null) return []
  const place = seat === null ? 'does not sit now' : seat === 'chair' ? 'sits in the chair' : 'sits'
  const facts = [
    name,
    place,
    ...(weight === null ? [] : [`weight ${weight}`]),
    ...(model === null ? [] : [`model ${model}`]),
  ]
  return [`  ${facts.join(', ')}: ${persona}`]
}

async function printTotal(
  output: Output,
  rows: readonly (Audited & { worth: Worth })[],
  readModel: Comparison,
): Promise<void> {
  const [best] = rows.filter(({ worth }) => worth.value !== null && worth.value > 0)
  const sumOf = (name: keyof MemberFigures) => rows.reduce((sum, { sums }) => sum + sums[name], 0)
  const total = {
    kind: 'total',
    members: rows.length,
    wins: sumOf('wins'),
    calls: sumOf('calls'),
    costMicros: sumOf('cost_micros'),
    bestValue: best?.member ?? null,
    readModel,
  }
  await output.result(total, () => [
    '',
    best
      ? `${output.paint('bold', `best value: ${best.member}`)}, with ${percent(best.worth.winShare)} of the wins for ${percent(best.worth.costShare)} of the cost`
      : 'no member has won yet',
    comparisonLine(readModel),
  ])
}

const cell = (value: number | null, width: number, decimals = 0): string =>
  (value === null
    ? '-'
    : value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
  ).padStart(width)
const percent = (share: number | null): string => (share === null ? '-' : `${Math.round(share * 100)} %`)
