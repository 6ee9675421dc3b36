import { sql } from 'kysely'
import type { BudgetEvent } from '../events/budget.ts'
import type { RecordedEvent } from '../events/event.ts'
import { storableText } from './engine/rows.ts'
import { isoTime } from '../platform/clock.ts'
import type { Projection } from './engine/projection.ts'

/**
 * `read_models.costs`: one row a settled model call, `BudgetDebited` in `budget/council/…`. The sum over a request is what it
 * cost, the sum over all is what models cost. Other scopes are billed for the same calls, so they are not counted here.
 */
export const costs: Projection = {
  name: 'costs',
  version: 1,
  target: 'postgres',
  money: true,
  tables: ['costs'],

  async createTables(tx, schema) {
    await sql`
      create table ${sql.id(schema, 'costs')} (
        sequence bigint primary key,
        position text not null unique,
        stream text not null,
        day date not null,
        call_id text not null unique,
        request_id text not null,
        model text not null,
        phase text not null,
        member text not null,
        usage text not null,
        prompt_tokens bigint not null,
        completion_tokens bigint not null,
        price_ref text not null,
        actual_micros bigint not null,
        occurred_at timestamptz not null
      )`.execute(tx)
    await sql`create index on ${sql.id(schema, 'costs')} (request_id)`.execute(tx)
    await sql`create index on ${sql.id(schema, 'costs')} (day)`.execute(tx)
  },

  /** Inserts and nothing else: a call that is debited twice violates a constraint and stops the projection. */
  async apply(tx, schema, events) {
    const rows = events.filter(isCost).map(costRow)
    if (rows.length === 0) return
    await sql`
      insert into ${sql.id(schema, 'costs')}
        (sequence, position, stream, day, call_id, request_id, model, phase, member, usage, prompt_tokens, completion_tokens, price_ref, actual_micros, occurred_at)
      select * from json_to_recordset(${JSON.stringify(rows)}::json) as cost (
        sequence bigint, position text, stream text, day date, call_id text, request_id text, model text, phase text, member text, usage text,
        prompt_tokens bigint, completion_tokens bigint, price_ref text, actual_micros bigint, occurred_at timestamptz)`.execute(
      tx,
    )
  },
}

export type CostEvent = RecordedEvent<Extract<BudgetEvent, { type: 'BudgetDebited' }>>

/** What a model call cost the council. */
export const isCost = (event: RecordedEvent): event is CostEvent =>
  event.type === 'BudgetDebited' && event.stream.startsWith('budget/council/')

export type CostRow = ReturnType<typeof costRow>

/** The row of one debit, its columns named as in the table. */
export function costRow({ sequence, position, stream, data, metadata }: CostEvent) {
  return {
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
  }
}
