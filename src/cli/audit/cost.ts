import { isDeepStrictEqual } from 'node:util'
import type { Position } from '../../events/identifiers.ts'
import type { LogReader } from '../../events/log/log.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { costs, selectCosts, type CostRow } from '../../projections/costs.ts'
import { loadRegistered, type Registered } from '../../projections/engine/checkpoint.ts'
import { readConsistently } from '../../projections/engine/snapshot.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { inRange, type Range } from '../log-point.ts'
import { dollarsAndMicros } from '../money.ts'
import type { Output } from '../output.ts'
import { openLogForReading, openReadModels } from '../stores.ts'

type Costs = readonly CostRow[]
type ReadModel =
  | { state: 'agrees'; rows: number; position: Position }
  | { state: 'behind'; rows: number; position: Position; missing: number }
  | { state: 'unavailable'; message: string }
  | { state: 'differs'; message: string; position: string }

/**
 * `council audit cost`: every model call that was paid for, folded from the log, with the position of the event behind each
 * figure; sums by request and over all; and whether the read model shows the same. Throws CliError `read_model_differs`
 * at the first difference; a read model that is behind or away is said, and is no failure of the log's figures.
 */
export async function auditCost(options: Range, { config, output }: CliContext): Promise<number> {
  const isInRange = inRange(options)
  const within = ({ position }: CostRow): boolean => isInRange(position)
  await using closing = new AsyncDisposableStack()
  const log = await openLogForReading(config, closing)
  // The read model first: it is then a part of what the log shows, however busy the council is.
  const stored = await readStored(() => openReadModels(config, closing))
  const all = await foldCosts(log)
  const rows = all.filter(within)

  await printCalls(output, rows)
  await printRequests(output, rows)
  const readModel = compare(all, stored, within)
  await printTotal(output, rows, readModel)
  if (readModel.state === 'differs') throw new CliError('read_model_differs', readModel.message)
  return 0
}

async function foldCosts(log: LogReader): Promise<Costs> {
  const rows: CostRow[] = []
  for await (const events of log.read({ types: ['BudgetDebited'] })) rows.push(...costs.fold(events).values())
  return rows
}

type Stored = { registered: Registered | undefined; rows: CostRow[] } | { unavailable: string }

async function readStored(open: () => ReturnType<typeof openReadModels>): Promise<Stored> {
  try {
    return await readConsistently(await open(), ['costs'], async (tx) => ({
      registered: await loadRegistered(tx, 'costs'),
      rows: await selectCosts(tx),
    }))
  } catch (error) {
    return { unavailable: messageOf(error) }
  }
}

/** The first difference between the log and the read model, as far as the read model says it is. */
function compare(all: Costs, stored: Stored, within: (row: CostRow) => boolean): ReadModel {
  if ('unavailable' in stored) return { state: 'unavailable', message: stored.unavailable }
  if (!stored.registered) return { state: 'unavailable', message: 'it was never built' }
  const { sequence, position } = stored.registered
  const expected = all.filter((row) => within(row) && row.sequence <= sequence)
  const found = stored.rows.filter(within)
  for (let index = 0; index < Math.max(expected.length, found.length); index++) {
    const [fromLog, fromModel] = [expected[index], found[index]]
    if (fromLog && isDeepStrictEqual(fromLog, fromModel)) continue
    return { state: 'differs', ...difference(fromLog, fromModel) }
  }
  const missing = all.filter((row) => within(row) && row.sequence > sequence).length
  return missing === 0
    ? { state: 'agrees', rows: found.length, position }
    : { state: 'behind', rows: found.length, position, missing }
}

function difference(
  fromLog: CostRow | undefined,
  fromModel: CostRow | undefined,
): { message: string; position: string } {
  if (fromLog && (!fromModel || fromModel.sequence > fromLog.sequence))
    return { message: `the read model lacks the debit at ${fromLog.position}`, position: fromLog.position }
  if (fromModel && (!fromLog || fromLog.sequence > fromModel.sequence))
    return {
      message: `the read model has a debit at ${fromModel.position} that is not in the log`,
      position: fromModel.position,
    }
  const columns = (Object.keys(fromLog ?? {}) as (keyof CostRow)[]).filter(
    (column) => fromLog?.[column] !== fromModel?.[column],
  )
  const details = columns
    .map((column) => `${column} is ${fromModel?.[column]}, the log says ${fromLog?.[column]}`)
    .join('; ')
  return { message: `the read model differs at ${fromLog?.position}: ${details}`, position: fromLog?.position ?? '' }
}

async function printCalls(output: Output, rows: Costs): Promise<void> {
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

async function printRequests(output: Output, rows: Costs): Promise<void> {
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

async function printTotal(output: Output, rows: Costs, readModel: ReadModel): Promise<void> {
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
    sentence(readModel),
  ])
}

function sentence(readModel: ReadModel): string {
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

const sums = (rows: Costs) => ({
  calls: rows.length,
  promptTokens: rows.reduce((sum, row) => sum + row.prompt_tokens, 0),
  completionTokens: rows.reduce((sum, row) => sum + row.completion_tokens, 0),
  costMicros: rows.reduce((sum, row) => sum + row.actual_micros, 0),
})

const number = (value: number, width: number): string => value.toLocaleString('en').padStart(width)
const count = (amount: number, what: string): string =>
  `${amount.toLocaleString('en')} ${what}${amount === 1 ? '' : 's'}`
