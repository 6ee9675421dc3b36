import { sql } from 'kysely'
import type { RecordedEvent } from '../../events/event.ts'
import { costs, isCost, type CostRow } from '../../projections/costs.ts'
import type { CliContext } from '../context.ts'
import { inRange, type Range } from '../log-point.ts'
import { dollarsAndMicros } from '../money.ts'
import type { Output } from '../output.ts'
import { assertAgrees, auditTable, type Comparison } from './audit-table.ts'

/**
 * `council audit cost`: every paid model call, folded from the log, with the position of its event; sums per request and over
 * all; and whether the read model shows the same. Throws CliError `read_model_differs` at the first difference. A lagging or
 * unreachable read model is reported but is not an error.
 */
export async function auditCost(options: Range, { config, output }: CliContext): Promise<number> {
  const within = inRange(options)
  await using closing = new AsyncDisposableStack()
  const { log, compare } = await auditTable(costs, { clauses: sql``, noun: 'debit' }, config, closing)
  const debits: RecordedEvent[] = []
  for await (const page of log.read({ types: ['BudgetDebited'] })) debits.push(...page.filter(isCost))
  const rows = [...costs.fold(debits).values()].filter(({ position }) => within(position))

  await printCalls(output, rows)
  await printRequests(output, rows)
  const readModel = compare(debits, within)
  await printTotal(output, rows, readModel)
  assertAgrees(readModel)
  return 0
}

async function printCalls(output: Output, rows: readonly CostRow[]): Promise<void> {
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

const publicCall = (row: CostRow) => ({
  position: row.position,
  stream: row.stream,
  requestId: row.request_id,
  callId: row.call_id,
  model: row.model,
  phase: row.phase,
  member: row.member,
  usage: row.usage,
  promptTokens: row.prompt_tokens,
  completionTokens: row.completion_tokens,
  priceRef: row.price_ref,
  costMicros: row.actual_micros,
  occurredAt: row.occurred_at,
})

async function printRequests(output: Output, rows: readonly CostRow[]): Promise<void> {
  if (rows.length === 0) return
  await output.forPeople('')
  for (const [requestId, calls] of Map.groupBy(rows, (row) => row.request_id)) {
    const total = { kind: 'request', requestId, ...sums(calls), positions: calls.map(({ position }) => position) }
    await output.result(
      total,
      () =>
        `${requestId.padEnd(36)}  ${count(calls.length, 'call')}, ${dollarsAndMicros(total.costMicros)}, from ${total.positions.join(', ')}`,
    )
  }
}

async function printTotal(output: Output, rows: readonly CostRow[], readModel: Comparison): Promise<void> {
  const requests = new Set(rows.map((row) => row.request_id)).size
  const total = {
    kind: 'total',
    requests,
    ...sums(rows),
    first: rows[0]?.position ?? null,
    last: rows.at(-1)?.position ?? null,
    readModel,
  }
  await output.result(total, () => [
    '',
    output.paint(
      'bold',
      `total  ${dollarsAndMicros(total.costMicros)}, ${count(rows.length, 'call')}, ${count(requests, 'request')}`,
    ),
    formatComparison(readModel),
  ])
}

function formatComparison(readModel: Comparison): string {
  switch (readModel.state) {
    case 'agrees':
      return `read model agrees: ${count(readModel.rows, 'row')}, at ${readModel.position}`
    case 'behind':
      return `read model is behind, at ${readModel.position}: ${count(readModel.missing, 'call')} not yet in it, the others agree`
    case 'unavailable':
      return `read model could not be compared: ${readModel.message}`
    case 'differs':
      return `read model DIFFERS: ${readModel.message}`
    default:
      return readModel satisfies never
  }
}

const sums = (rows: readonly CostRow[]) => ({
  calls: rows.length,
  promptTokens: rows.reduce((sum, row) => sum + row.prompt_tokens, 0),
  completionTokens: rows.reduce((sum, row) => sum + row.completion_tokens, 0),
  costMicros: rows.reduce((sum, row) => sum + row.actual_micros, 0),
})

const number = (value: number, width: number): string => value.toLocaleString('en').padStart(width)
const count = (amount: number, what: string): string =>
  `${amount.toLocaleString('en')} ${what}${amount === 1 ? '' : 's'}`
