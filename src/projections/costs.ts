import { sql } from 'kysely'
import { UsageSource } from '../events/amounts.ts'
import { budgetEvents, type BudgetEvent } from '../events/budget.ts'
import type { RecordedEvent } from '../events/event.ts'
import { Position } from '../events/identifiers.ts'
import { isoTime } from '../platform/clock.ts'
import { bigint, date, text, textOf, timestamp, unique, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { storableText } from './engine/rows.ts'
import { tableProjection } from './engine/table-projection.ts'

const columns = {
  sequence: bigint,
  position: unique(textOf(Position)),
  stream: text,
  day: date,
  call_id: unique(text),
  request_id: text,
  model: text,
  phase: text,
  member: text,
  usage: textOf(UsageSource),
  prompt_tokens: bigint,
  completion_tokens: bigint,
  price_ref: text,
  actual_micros: bigint,
  occurred_at: timestamp,
}
export type CostRow = RowOf<typeof columns>

/**
 * `read_models.costs`: one row per settled model call, from `BudgetDebited` in `budget/council/…`. The rows of a request sum to
 * its cost. Budgets of other scopes are debited for the same calls, so they are not counted.
 */
export const costs = tableProjection({
  name: 'costs',
  version: 1,
  columns,
  key: 'sequence',
  indexes: [sql`(request_id)`, sql`(day)`],
  handles: { BudgetDebited: budgetEvents.BudgetDebited },
  keyOf: (event) => (isCost(event) ? event.sequence : null),
  evolve: (_, event) => costRow(event),
  isAppendOnly: true,
})

/** All rows, in log order. */
export const selectCosts = (tx: Tx): Promise<CostRow[]> => costs.select(tx, sql`order by sequence`)

type CostEvent = RecordedEvent<Extract<BudgetEvent, { type: 'BudgetDebited' }>>

/** The cost of a model call to the council. */
export const isCost = (event: RecordedEvent): event is CostEvent =>
  event.type === 'BudgetDebited' && event.stream.startsWith('budget/council/')

const costRow = ({ sequence, position, stream, data, metadata }: CostEvent): CostRow => ({
  sequence,
  position,
  stream,
  day: stream.slice(stream.lastIndexOf('/') + 1),
  call_id: storableText(data.callId),
  request_id: storableText(data.requestId),
  model: storableText(data.model),
  phase: storableText(data.phase),
  member: storableText(data.member),
  usage: data.usage,
  prompt_tokens: data.promptTokens,
  completion_tokens: data.completionTokens,
  price_ref: storableText(data.priceRef),
  actual_micros: data.actualMicros,
  occurred_at: isoTime(Date.parse(metadata.occurredAt)),
})
