import { sql } from 'kysely'
import { z } from 'zod'
import { UsageSource } from '../events/amounts.ts'
import { Position } from '../events/identifiers.ts'
import { loadRegistered, type Registered } from './engine/checkpoint.ts'
import type { CostRow } from './costs.ts'
import { IntegerColumn, TimeColumn } from './engine/rows.ts'
import type { Tx } from './engine/projection.ts'

const Row = z.object({
  sequence: IntegerColumn,
  position: Position,
  stream: z.string(),
  day: z.string(),
  call_id: z.string(),
  request_id: z.string(),
  model: z.string(),
  phase: z.string(),
  member: z.string(),
  usage: UsageSource,
  prompt_tokens: IntegerColumn,
  completion_tokens: IntegerColumn,
  price_ref: z.string(),
  actual_micros: IntegerColumn,
  occurred_at: TimeColumn,
})

/** A row as it was read: the same columns that the projection writes. */
export type CostRowRead = { [Column in keyof CostRow]: z.output<typeof Row>[Column] }

/** All rows of `read_models.costs`, in log order. */
export async function selectCosts(tx: Tx): Promise<CostRowRead[]> {
  const { rows } = await sql`
    select sequence, position, stream, day::text as day, call_id, request_id, model, phase, member, usage, prompt_tokens, completion_tokens,
      price_ref, actual_micros, occurred_at
    from read_models.costs order by sequence`.execute(tx)
  return rows.map((row) => Row.parse(row))
}

/** The same, and where the read model is in the log. */
export const readCosts = async (tx: Tx): Promise<{ registered: Registered | undefined; rows: CostRowRead[] }> => ({
  registered: await loadRegistered(tx, 'costs'),
  rows: await selectCosts(tx),
})
