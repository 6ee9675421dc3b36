import { sql } from 'kysely'
import { alertKinds } from '../../events/budget.ts'
import type { RecordedEvent } from '../../events/event.ts'
import { comparePositions, type Position } from '../../events/identifiers.ts'
import { isPriceEvent } from '../../events/prices.ts'
import { csvRecord } from '../../platform/csv.ts'
import { costSums, type CostGrouping } from '../../projections/cost-groups.ts'
import { costs, isCost, type CostRow } from '../../projections/costs.ts'
import { prices } from '../../projections/prices.ts'
import { logPointIn } from '../arguments.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import type { LogPoint } from '../../events/log-point.ts'
import { inRange } from '../range.ts'
import { dollarsAndMicros } from '../money.ts'
import type { Output } from '../output.ts'
import { assertAgrees, auditTable, comparisonLine, count, type Comparison } from './audit-table.ts'
import { isAlert, printAlerts, type BudgetAlert } from './budget-alerts.ts'
import { appliedPrices, assertPriced, printPrices } from './cost-prices.ts'
import { auditedGroups, printCalls, printGroups, printRequests, callsCsv, groupsCsv } from './cost-rows.ts'
import { isSpending, paidCosts, type PaidCosts } from './paid-costs.ts'

export type CostOptions = {
  by?: CostGrouping[]
  /** Moments whose days are those of the time zone. */
  from?: string
  to?: string
  timeZone: string
  explain?: true
  csv?: true
}

/**
 * `council audit cost`: every paid model call, folded from the log, with the position of its event, and sums per request; or with `by`
 * the sums of groups. Then the limits of budgets that were reached, with `explain` the prices and whether the tokens give the same cost at them, and the total: whether `budget/council/…`, the account `spend` and the read model agree on it. Throws CliError
 * `ledger_differs`, `price_differs` and `read_model_differs` at the first difference. A lagging or unreachable read model is reported but is not an error.
 */
export async function auditCost(options: CostOptions, { config, output }: CliContext): Promise<number> {
  const { by, timeZone, explain = false, csv = false } = options
  if (csv && output.json) throw new CliError('usage', 'there is one format: --csv or --json')
  const within = withinRange(options)
  await using closing = new AsyncDisposableStack()
  const { log, compare } = await auditTable(costs, { clauses: sql``, noun: 'debit' }, config, closing)
  const events: RecordedEvent[] = []
  const credits: Parameters<typeof paidCosts>[1][number][] = []
  const alerts: BudgetAlert[] = []
  const listings: RecordedEvent[] = []
  for await (const page of log.read({ types: readTypes })) {
    // Only who asked matters of a prompt, and its text may be long.
    for (const event of page)
      if (event.type === 'PromptSubmitted') events.push({ ...event, data: { ...event.data, text: '…' } })
      else if (isSpending(event)) credits.push(event)
      else if (isAlert(event)) alerts.push(event)
      else if (isPriceEvent(event)) listings.push(event)
      else if (event.type === 'BudgetDebited' || event.type === 'BountyOpened') events.push(event)
  }
  const rows = [...costs.fold(events).values()].filter((row) => within(row.position, Date.parse(row.settled_at)))

  const groups = by && auditedGroups(rows, by, timeZone, explain)
  if (csv) await output.write((by && groups ? groupsCsv(by, groups, explain) : callsCsv(rows)).map(csvRecord).join(''))
  else if (groups) await printGroups(output, groups)
  else {
    await printCalls(output, rows)
    await printRequests(output, rows)
  }
  const isSelected = (event: RecordedEvent) => within(event.position, Date.parse(event.metadata.occurredAt))
  const paid = paidCosts(events.filter(isCost).filter(isSelected), credits)
  const readModel = compare(events, {
    row: (row) => within(row.position, Date.parse(row.settled_at)),
    event: (event) => isCost(event) && isSelected(event),
  })
  const applied = explain ? appliedPrices(rows, [...prices.fold(listings).values()]) : []
  await printPrices(output, applied, csv)
  await printAlerts(output, alerts.filter(isSelected), csv)
  await printTotal(output, rows, { paid, readModel, explain, csv })
  assertPaid(paid)
  assertPriced(applied)
  assertAgrees(readModel)
  return 0
}

/** A position selects by position, a time or a day by the instant of the settlement. */
function withinRange({ from, to, timeZone }: CostOptions): (position: Position, settledMs: number) => boolean {
  const [start, end] = [from, to].map((text) => (text === undefined ? undefined : logPointIn(text, timeZone)))
  inRange({ ...(start && { from: start }), ...(end && { to: end }) })
  const isBefore = (point: LogPoint, position: Position, ms: number) =>
    'position' in point ? comparePositions(position, point.position) < 0 : ms < point.firstMs
  const isAfter = (point: LogPoint, position: Position, ms: number) =>
    'position' in point ? comparePositions(position, point.position) > 0 : ms > point.lastMs
  return (position, ms) => !(start && isBefore(start, position, ms)) && !(end && isAfter(end, position, ms))
}

/** What the calls, their payment, their prices and the alerts are folded from. */
const readTypes = [
  ...['PromptSubmitted', 'BountyOpened', 'BudgetDebited', 'AccountCredited', 'PriceListed'],
  ...Object.keys(alertKinds),
]

type Checks = { paid: PaidCosts; readModel: Comparison; explain: boolean; csv: boolean }

/** The total. Next to a CSV file it goes to stderr. */
async function printTotal(output: Output, rows: readonly CostRow[], checks: Checks): Promise<void> {
  const { paid, readModel, explain, csv } = checks
  const requests = new Set(rows.map((row) => row.request_id)).size
  const { positions: paidAt, differing, ...amounts } = paid
  const total = {
    kind: 'total',
    requests,
    ...costSums(rows),
    first: rows[0]?.position ?? null,
    last: rows.at(-1)?.position ?? null,
    ...(explain && { positions: rows.map(({ position }) => position) }),
    ledger: { state: differing ? 'differs' : 'agrees', ...amounts, ...(explain && { positions: paidAt }) },
    readModel,
  }
  const lines = [
    output.paint(
      'bold',
      `total  ${dollarsAndMicros(total.costMicros)}, ${count(rows.length, 'call')}, ${count(requests, 'request')}`,
    ),
    formatPaid(total.costMicros, paid),
    comparisonLine(readModel),
  ]
  if (csv) for (const line of lines) output.note(line)
  else await output.result(total, () => ['', ...lines])
}

function formatPaid(debitedMicros: number, { paidMicros, unpaidMicros, differing }: PaidCosts): string {
  const micros = (amount: number) => `${amount.toLocaleString('en')} µ$`
  const older = unpaidMicros === 0 ? '' : `, and ${micros(unpaidMicros)} are from before it paid for calls`
  const verdict = differing ? 'DIFFERS' : 'agrees'
  return `ledger ${verdict}: budget/council/… was debited ${micros(debitedMicros)}, account/spend got ${micros(paidMicros)} for the same calls${older}`
}

function assertPaid({ differing }: PaidCosts): void {
  if (differing)
    throw new CliError(
      'ledger_differs',
      `the call ${differing.callId} was debited ${differing.debitedMicros} µ$ at ${differing.position}, but the ledger paid ${differing.paidMicros} µ$ to spend`,
    )
}
