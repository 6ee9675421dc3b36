import { sql } from 'kysely'
import { onExceedModes, policyEvents, type PolicyEvent } from '../events/policy.ts'
import type { RecordedEvent } from '../events/event.ts'
import { isoTime } from '../platform/clock.ts'
import { z } from 'zod'
import { bigint, bytewise, integer, text, textOf, timestamp, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { storableText } from './engine/rows.ts'
import { tableProjection } from './engine/table-projection.ts'

const columns = {
  scope: bytewise(text),
  daily_micros: bigint,
  soft_percent: integer,
  on_exceed: textOf(z.enum(onExceedModes)),
  time_zone: text,
  /** How often it was set. */
  times_set: integer,
  set_by: text,
  set_at: timestamp,
  last_position: text,
  last_sequence: bigint,
}
export type PolicyRow = RowOf<typeof columns>

/** `read_models.policies`: one row per scope with a standing budget policy. */
export const policies = tableProjection({
  name: 'policies',
  version: 1,
  columns,
  key: 'scope',
  handles: policyEvents,
  keyOf: ({ data }) => data.scope,
  evolve: (row, event) => policyRow(row, event),
})

/** A page of rows after a scope (`''`: from the first), ordered by scope. */
export const selectPolicies = (tx: Tx, after: string, limit: number): Promise<PolicyRow[]> =>
  policies.select(tx, sql`where scope > ${after} order by scope limit ${limit}`)

const policyRow = (
  row: PolicyRow | undefined,
  { data, metadata, position, sequence }: RecordedEvent<PolicyEvent>,
): PolicyRow => ({
  scope: data.scope,
  daily_micros: data.dailyMicros,
  soft_percent: data.softPercent,
  on_exceed: data.onExceed,
  time_zone: storableText(data.timeZone),
  times_set: (row?.times_set ?? 0) + 1,
  set_by: storableText(metadata.actor),
  set_at: isoTime(Date.parse(metadata.occurredAt)),
  last_position: position,
  last_sequence: sequence,
})
