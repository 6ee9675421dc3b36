import { sql } from 'kysely'
import { isBountyEvent } from '../../events/bounty.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import { csvRecord } from '../../platform/csv.ts'
import { bounties, type BountyRow } from '../../projections/bounties.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { dollarsAndMicros } from '../money.ts'
import { fit, type Output } from '../output.ts'
import { assertAgrees, auditTable, comparisonLine, type Comparison } from './audit-table.ts'
import { assertAccounted, isMovement, moneyOf, type EscrowMoney } from './bounty-money.ts'
import { printStory, storyOf } from './bounty-story.ts'
import { openEvidence, type FoundBy } from './evidence.ts'

export type BountyOptions = { explain?: boolean; csv?: boolean }

/** A bounty as its events say, and its money as the movements of its escrow say. */
type Audited = { row: BountyRow; money: EscrowMoney }

/**
 * `council audit bounties`: every bounty with its money, from the log, and with `explain` the positions behind each figure; or the whole
 * story of one. Then whether escrows, bounties and the read model agree. Throws CliError `bounty_unknown`, `escrow_differs`,
 * `election_differs` and `read_model_differs`.
 */
export async function auditBounties(
  bountyId: Uuid7 | undefined,
  { explain = false, csv = false }: BountyOptions,
  context: CliContext,
): Promise<number> {
  const { config, output } = context
  if (csv && output.json) throw new CliError('usage', 'there is one format: --csv or --json')
  await using closing = new AsyncDisposableStack()
  const clauses = bountyId === undefined ? sql`` : sql`where bounty_id = ${bountyId}`
  const { log, compare } = await auditTable(bounties, { clauses, noun: 'bounty' }, config, closing)
  const evidence = bountyId === undefined ? null : await openEvidence(log, context, closing)
  const found =
    evidence === null || bountyId === undefined
      ? (
          await Array.fromAsync(log.read({ types: [...(bounties.handles ?? []), 'AccountCredited', 'AccountDebited'] }))
        ).flat()
      : await storyOf(evidence, bountyId)
  const events = found.filter(isBountyEvent)
  const movements = found.filter(isMovement)
  const audited = [...bounties.fold(events).values()].map((row) => ({ row, money: moneyOf(row.bounty_id, movements) }))
  if (bountyId !== undefined && audited.length === 0)
    throw new CliError('bounty_unknown', `there is no bounty ${bountyId} in the log`)

  const election = bountyId !== undefined && !csv ? await printStory(found, output) : null
  if (csv) await output.write(csvOf(audited, explain))
  else await printBounties(output, audited, explain)
  const readModel = compare(events)
  if (!csv) await printTotal(output, audited, { readModel, ...(evidence && { foundBy: evidence.foundBy }) })
  for (const { row, money } of audited) assertAccounted(row, money)
  election?.assertSameResults()
  assertAgrees(readModel)
  return 0
}

async function printBounties(output: Output, audited: readonly Audited[], explain: boolean): Promise<void> {
  await output.forPeople(output.paint('bold', heading))
  for (const one of audited) {
    const { row, money } = one
    await output.result({ kind: 'bounty', ...publicBounty(one, explain) }, () => [
      [
        row.bounty_id,
        row.status.padEnd(9),
        (row.verdict ?? '').padEnd(16),
        number(money.receivedMicros),
        number(money.paidMicros),
        number(money.refundedMicros),
        number(money.leftMicros),
        number(row.judging_micros),
        (row.worker ?? '').padEnd(16),
        fit(row.title, 40),
      ].join('  '),
      ...(explain ? explained(one) : []),
    ])
  }
}

const heading = [
  'bounty'.padEnd(36),
  'status'.padEnd(9),
  'verdict'.padEnd(16),
  ...['received µ$', 'paid µ$', 'returned µ$', 'left µ$', 'judging µ$'].map((name) => name.padStart(12)),
  'worker'.padEnd(16),
  'title',
].join('  ')

const explained = ({ row, money: { positions } }: Audited): string[] => [
  `    received from ${listed(positions.received)}`,
  `    paid from ${listed(positions.paid)}, returned from ${listed(positions.refunded)}`,
  `    recorded from ${row.first_position} to ${row.last_position}`,
]

const publicBounty = ({ row, money: { positions, ...money } }: Audited, explain: boolean) => ({
  bounty: row.bounty_id,
  status: row.status,
  title: row.title,
  worker: row.worker,
  rewardMicros: row.reward_micros,
  bonusMicros: row.bonus_micros,
  verdict: row.verdict,
  election: row.election_id,
  ...money,
  judgingCalls: row.judging_calls,
  judgingMicros: row.judging_micros,
  first: row.first_position,
  last: row.last_position,
  ...(explain && { positions }),
})

function csvOf(audited: readonly Audited[], explain: boolean): string {
  const names = ['bounty', 'status', 'title', 'worker', 'reward_micros', 'bonus_micros', 'verdict', 'election']
  const money = ['received_micros', 'paid_micros', 'refunded_micros', 'left_micros', 'judging_calls', 'judging_micros']
  const places = ['first', 'last', ...(explain ? ['received_at', 'paid_at', 'refunded_at'] : [])]
  const records = audited.map((one) => {
    const { positions, ...rest } = publicBounty(one, true)
    const at = [positions?.received, positions?.paid, positions?.refunded].map((all) => (all ?? []).join(' '))
    return csvRecord([...Object.values(rest), ...(explain ? at : [])])
  })
  return [csvRecord([...names, ...money, ...places]), ...records].join('')
}

/** How far the figures can be trusted: the read model's, and for one bounty how its events were found. */
type Checked = { readModel: Comparison; foundBy?: FoundBy }

async function printTotal(output: Output, audited: readonly Audited[], checked: Checked): Promise<void> {
  const total = (of: (money: EscrowMoney) => number): number => audited.reduce((sum, { money }) => sum + of(money), 0)
  const sums = {
    receivedMicros: total((money) => money.receivedMicros),
    paidMicros: total((money) => money.paidMicros),
    refundedMicros: total((money) => money.refundedMicros),
    leftMicros: total((money) => money.leftMicros),
  }
  await output.result({ kind: 'total', bounties: audited.length, ...sums, ...checked }, () => [
    '',
    output.paint(
      'bold',
      `total  ${audited.length} ${audited.length === 1 ? 'bounty' : 'bounties'}: ${dollarsAndMicros(sums.receivedMicros)} received, ${dollarsAndMicros(sums.paidMicros)} paid, ${dollarsAndMicros(sums.refundedMicros)} returned, ${dollarsAndMicros(sums.leftMicros)} on escrows`,
    ),
    comparisonLine(checked.readModel),
  ])
}

const number = (micros: number): string => micros.toLocaleString('en').padStart(12)
const listed = (positions: readonly string[]): string => positions.join(', ') || 'no event'
