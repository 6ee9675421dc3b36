import { sql } from 'kysely'
import type { RecordedEvent } from '../events/event.ts'
import { Mode, governanceEvents, type GovernanceEvent } from '../events/governance.ts'
import { isoTime } from '../platform/clock.ts'
import { bigint, boolean, integer, nullable, text, textOf, timestamp, unique, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { storableText } from './engine/rows.ts'
import { tableProjection } from './engine/table-projection.ts'

/** A switch has the two modes and its reason; a policy has its terms. */
const columns = {
  sequence: bigint,
  position: unique(text),
  mode_from: nullable(textOf(Mode)),
  mode_to: nullable(textOf(Mode)),
  reason: nullable(text),
  threshold_micros: nullable(bigint),
  approve_answers: nullable(boolean),
  timeout_seconds: nullable(integer),
  changed_by: text,
  occurred_at: timestamp,
}
export type ModeChangeRow = RowOf<typeof columns>

/** `read_models.mode_history`: one row per switch of the mode and per approval policy. */
export const modeHistory = tableProjection({
  name: 'mode_history',
  version: 1,
  columns,
  key: 'sequence',
  handles: governanceEvents,
  isAppendOnly: true,
  keyOf: ({ sequence }) => sequence,
  evolve: (_, event) => changeOf(event),
})

/** A page of rows, newest first: those before a sequence, or the first. */
export const selectModeChanges = (tx: Tx, before: number | undefined, limit: number): Promise<ModeChangeRow[]> =>
  modeHistory.select(
    tx,
    sql`${before === undefined ? sql`` : sql`where sequence < ${before}`} order by sequence desc limit ${limit}`,
  )

/** The newest switch and the newest policy. */
export async function selectCurrentMode(
  tx: Tx,
): Promise<{ switched: ModeChangeRow | undefined; policy: ModeChangeRow | undefined }> {
  const newest = (column: 'mode_to' | 'threshold_micros') =>
    modeHistory.select(tx, sql`where ${sql.ref(column)} is not null order by sequence desc limit 1`)
  const [[switched], [policy]] = [await newest('mode_to'), await newest('threshold_micros')]
  return { switched, policy }
}

function changeOf({ type, data, metadata, position, sequence }: RecordedEvent<GovernanceEvent>): ModeChangeRow {
  const row: ModeChangeRow = {
    sequence,
    position,
    mode_from: null,
    mode_to: null,
    reason: null,
    threshold_micros: null,
    approve_answers: null,
    timeout_seconds: null,
    changed_by: storableText(data.by),
    occurred_at: isoTime(Date.parse(metadata.occurredAt)),
  }
  switch (type) {
    case 'ModeSwitched':
      return { ...row, mode_from: data.from, mode_to: data.to, reason: storableText(data.reason) }
    case 'ApprovalPolicySet':
      return {
        ...row,
        threshold_micros: data.thresholdMicros,
        approve_answers: data.approveAnswers,
        timeout_seconds: data.timeoutSeconds,
      }
    default:
      return type satisfies never
  }
}
