import { sql } from 'kysely'
import { UsageSource } from '../events/amounts.ts'
import { budgetEvents } from '../events/budget.ts'
import { bountyEvents } from '../events/bounty.ts'
import { chatEvents } from '../events/chat.ts'
import { isEventOf, type EventOf, type RecordedEvent } from '../events/event.ts'
import { Position } from '../events/identifiers.ts'
import { isoTime } from '../platform/clock.ts'
import { bigint, bytewise, nullable, text, textOf, timestamp, unique, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { rowsIn, type MemoryTables } from './engine/read-model.ts'
import { storableText } from './engine/rows.ts'
import { tableOf } from './engine/table.ts'
import type { TableProjection } from './engine/table-projection.ts'

const columns = {
  sequence: bigint,
  position: unique(textOf(Position)),
  /** The budget of the council whose day pays for the call. */
  stream: text,
  call_id: unique(text),
  request_id: bytewise(text),
  /** The user whose prompt or bounty it is; null if the log has neither. */
  asker: nullable(bytewise(text)),
  /** The agent whose budget was charged too; null: none. */
  agent: nullable(bytewise(text)),
  model: bytewise(text),
  phase: bytewise(text),
  member: bytewise(text),
  usage: textOf(UsageSource),
  prompt_tokens: bigint,
  /** The part of the prompt that the server took from its cache; null: not reported. */
  cached_prompt_tokens: nullable(bigint),
  completion_tokens: bigint,
  price_ref: text,
  /** Integer micro-dollars. */
  actual_micros: bigint,
  settled_at: timestamp,
}
export type CostRow = RowOf<typeof columns>

const table = tableOf({ name: 'costs', columns, key: 'sequence', indexes: [sql`(request_id)`, sql`(settled_at)`] })

/** Who asked a prompt or opened a bounty: a debit names only its id. */
const askers = tableOf({
  name: 'cost_askers',
  key: 'request_id',
  columns: { request_id: bytewise(text), asker: text, last_position: text, last_sequence: bigint },
})

const handled = {
  PromptSubmitted: chatEvents.PromptSubmitted,
  BountyOpened: bountyEvents.BountyOpened,
  BudgetDebited: budgetEvents.BudgetDebited,
}
type Handled = RecordedEvent<EventOf<typeof handled>>
type Debit = Extract<Handled, { type: 'BudgetDebited' }>
const isHandled = isEventOf(handled)

/**
 * `read_models.costs`: one row per settled model call, from `BudgetDebited` in `budget/council/…`. The rows of a request sum to
 * its cost. Budgets of other scopes are debited for the same calls, so they are not counted; that of an agent names the agent.
 */
export const costs: TableProjection<typeof columns, 'sequence'> = {
  name: 'costs',
  version: 3,
  tables: [table.name, askers.name],
  stored: [table, askers],
  handles: new Set(Object.keys(handled)),
  key: table.key,
  row: table.row,
  foldTables,
  fold: (events) => rowsIn(foldTables(events), table.name),
  select: (tx, clauses) => table.select(tx, 'read_models', clauses),

  async createTables(tx, schema) {
    await table.create(tx, schema)
    await askers.create(tx, schema)
  },

  async apply(tx, schema, events) {
    const known = events.filter(isHandled)
    await askers.insert(tx, schema, known.filter(isAsked).map(askerRow))
    const requestIds = new Set(known.filter(isCost).map(({ data }) => storableText(data.requestId)))
    const askedBy = await askers.load(tx, schema, 'request_id', [...requestIds])
    const agentCalls = known.filter(isDebit).filter(agentOf).map(callOf)
    const earlier = await table.load(tx, schema, 'call_id', agentCalls)
    const rows = new Map(earlier.map((row) => [row.call_id, row]))
    const isNew = new Set(known.filter(isCost).map(callOf))
    foldCosts(known, new Map(askedBy.map((row) => [row.request_id, row.asker])), rows)
    await table.insert(
      tx,
      schema,
      [...rows.values()].filter((row) => isNew.has(row.call_id)),
    )
    await table.save(
      tx,
      schema,
      [...rows.values()].filter((row) => !isNew.has(row.call_id)),
    )
  },
}

/** All rows, in log order. */
export const selectCosts = (tx: Tx): Promise<CostRow[]> => costs.select(tx, sql`order by sequence`)

/** The cost of a model call to the council. */
export const isCost = (event: RecordedEvent): event is Debit =>
  event.type === 'BudgetDebited' && event.stream.startsWith('budget/council/')

const isDebit = (event: Handled): event is Debit => event.type === 'BudgetDebited'
type Asked = Exclude<Handled, Debit>
const isAsked = (event: Handled): event is Asked => event.type !== 'BudgetDebited'
/** The agent whose budget a debit charges; null for another scope. */
const agentOf = ({ stream }: Debit): string | null => /^budget\/agent:([^/]+)/.exec(stream)?.[1] ?? null
const callOf = ({ data }: Debit): string => storableText(data.callId)

function foldTables(events: readonly RecordedEvent[], tables: MemoryTables = new Map()): MemoryTables {
  const rows = rowsIn<number, CostRow>(tables, table.name)
  const askerRows = rowsIn<string, ReturnType<typeof askerRow>>(tables, askers.name)
  const known = events.filter(isHandled)
  for (const row of known.filter(isAsked).map(askerRow)) askerRows.set(row.request_id, row)
  const byCall = new Map([...rows.values()].map((row) => [row.call_id, row]))
  foldCosts(known, new Map([...askerRows.values()].map((row) => [row.request_id, row.asker])), byCall)
  for (const row of byCall.values()) rows.set(row.sequence, row)
  return tables
}

/** Adds the rows of new calls, and the agents of known ones. `rows` are by call id. */
function foldCosts(events: readonly Handled[], askerOf: ReadonlyMap<string, string>, rows: Map<string, CostRow>): void {
  for (const debit of events.filter(isDebit)) {
    const known = rows.get(callOf(debit))
    const agent = agentOf(debit)
    if (debit.stream.startsWith('budget/council/')) {
      if (known) throw new Error(`the call ${known.call_id} was settled twice`)
      rows.set(callOf(debit), costRow(debit, askerOf.get(storableText(debit.data.requestId)) ?? null))
    } else if (agent !== null) {
      if (!known) throw new Error(`${debit.stream} was debited for a call that the council's budget was not`)
      rows.set(known.call_id, { ...known, agent })
    }
  }
}

const askerRow = (event: Asked) => ({
  request_id: event.stream.slice(event.stream.indexOf('/') + 1),
  asker: storableText(event.type === 'BountyOpened' ? event.data.by : event.metadata.actor),
  last_position: event.position,
  last_sequence: event.sequence,
})

const costRow = ({ sequence, position, stream, data, metadata }: Debit, asker: string | null): CostRow => ({
  sequence,
  position,
  stream,
  call_id: storableText(data.callId),
  request_id: storableText(data.requestId),
  asker,
  agent: null,
  model: storableText(data.model),
  phase: storableText(data.phase),
  member: storableText(data.member),
  usage: data.usage,
  prompt_tokens: data.promptTokens,
  cached_prompt_tokens: data.cachedPromptTokens ?? null,
  completion_tokens: data.completionTokens,
  price_ref: storableText(data.priceRef),
  actual_micros: data.actualMicros,
  settled_at: isoTime(Date.parse(metadata.occurredAt)),
})
