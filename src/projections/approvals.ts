import { sql, type RawBuilder } from 'kysely'
import { z } from 'zod'
import { approvalEvents, Risk, WaitReason, type ApprovalEvent } from '../events/approval.ts'
import type { RecordedEvent } from '../events/event.ts'
import { Mode } from '../events/governance.ts'
import type { Principal } from '../events/identifiers.ts'
import { isoTime } from '../platform/clock.ts'
import { isPromptOf } from './chats.ts'
import { bigint, bytewise, nullable, text, textOf, timestamp, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { storableText } from './engine/rows.ts'
import { tableProjection } from './engine/table-projection.ts'

export const approvalStatuses = ['waiting', 'granted', 'denied', 'replaced', 'expired'] as const
export const ApprovalStatus = z.enum(approvalStatuses)

const columns = {
  approval_id: bytewise(text),
  action: text,
  /** Canonical JSON. */
  exact_arguments: text,
  arguments_hash: text,
  cost_micros: bigint,
  risk: textOf(Risk),
  /** The mode when the action was proposed. */
  mode: textOf(Mode),
  why: textOf(WaitReason),
  requested_by: text,
  requested_at: timestamp,
  edited_by: nullable(text),
  replaces: nullable(text),
  replaced_by: nullable(text),
  /** The prompt that waits for the decision. */
  resumes: nullable(text),
  expires_at: timestamp,
  status: textOf(ApprovalStatus),
  decided_by: nullable(text),
  decided_at: nullable(timestamp),
  /** Why a person denied it. */
  reason: nullable(text),
  /** What came of the decision; null while it has not taken effect. */
  outcome: nullable(textOf(z.enum(['executed', 'refused', 'resumed']))),
  outcome_code: nullable(text),
  first_position: text,
  last_position: text,
  last_sequence: bigint,
}
export type ApprovalRow = RowOf<typeof columns>

type RecordedApprovalEvent = RecordedEvent<ApprovalEvent>
type Requested = Extract<RecordedApprovalEvent, { type: 'ApprovalRequested' }>

/** `read_models.approvals`: one row per proposed action, with its decision and what came of it. */
export const approvals = tableProjection({
  name: 'approvals',
  version: 1,
  columns,
  key: 'approval_id',
  indexes: [sql`(status, approval_id)`],
  handles: approvalEvents,
  keyOf: ({ stream }) => stream.slice('approval/'.length),
  evolve(row, event) {
    if (event.type === 'ApprovalRequested') return requested(event)
    if (!row) throw new Error(`${event.type} on ${event.stream}, which was never requested`)
    return { ...row, ...changes(event), last_position: event.position, last_sequence: event.sequence }
  },
})

/** Whose actions and whose prompts' approvals may be seen; null: those of all. */
export type ApprovalSight = { ofSubject: Principal | null; promptsOf: Principal | null }

const isSeen = ({ ofSubject, promptsOf }: ApprovalSight): RawBuilder<unknown> => {
  const ownAction = ofSubject === null ? sql`true` : sql`requested_by = ${storableText(ofSubject)}`
  const ownPrompt = promptsOf === null ? sql`true` : isPromptOf(sql`resumes`, promptsOf)
  return sql`case when resumes is null then ${ownAction} else ${ownPrompt} end`
}

/** A page of rows, newest first, all or those with a status: those before an id, or the first. */
export function selectApprovals(
  tx: Tx,
  { status, before, limit }: { status: ApprovalRow['status'] | undefined; before: string | undefined; limit: number },
  sight: ApprovalSight,
): Promise<ApprovalRow[]> {
  const ofStatus = status === undefined ? sql`true` : sql`status = ${status}`
  const older = before === undefined ? sql`true` : sql`approval_id < ${before}`
  return approvals.select(
    tx,
    sql`where ${ofStatus} and ${older} and ${isSeen(sight)} order by approval_id desc limit ${limit}`,
  )
}

export const selectApproval = async (
  tx: Tx,
  approvalId: string,
  sight: ApprovalSight,
): Promise<ApprovalRow | undefined> =>
  (await approvals.select(tx, sql`where approval_id = ${approvalId} and ${isSeen(sight)}`))[0]

/** An approval as people see it. `exactArguments` is the text that was approved, byte for byte. */
export const approvalReport = (row: ApprovalRow) => ({
  approval: row.approval_id,
  action: row.action,
  status: row.status,
  costMicros: row.cost_micros,
  risk: row.risk,
  mode: row.mode,
  why: row.why,
  requestedBy: row.requested_by,
  requestedAt: row.requested_at,
  editedBy: row.edited_by,
  replaces: row.replaces,
  replacedBy: row.replaced_by,
  requestId: row.resumes,
  expiresAt: row.expires_at,
  decidedBy: row.decided_by,
  decidedAt: row.decided_at,
  reason: row.reason,
  outcome: row.outcome,
  outcomeCode: row.outcome_code,
  exactArguments: row.exact_arguments,
  argumentsHash: row.arguments_hash,
})

function changes({ type, data, metadata }: Exclude<RecordedApprovalEvent, Requested>): Partial<ApprovalRow> {
  const decided_at = isoTime(Date.parse(metadata.occurredAt))
  switch (type) {
    case 'ApprovalGranted':
      return { status: 'granted', decided_by: storableText(data.by), decided_at }
    case 'ApprovalDenied':
      return { status: 'denied', decided_by: storableText(data.by), decided_at, reason: storableText(data.reason) }
    case 'ApprovalReplaced':
      return { status: 'replaced', decided_by: storableText(data.by), decided_at, replaced_by: data.replacedBy }
    case 'ApprovalExpired':
      return { status: 'expired', decided_at }
    case 'ApprovalUsed':
      return { outcome: data.outcome, outcome_code: data.code === undefined ? null : storableText(data.code) }
    default:
      return type satisfies never
  }
}

const requested = ({ data, metadata, position, sequence }: Requested): ApprovalRow => ({
  approval_id: data.approvalId,
  action: storableText(data.action),
  exact_arguments: storableText(data.exactArguments),
  arguments_hash: data.argumentsHash,
  cost_micros: data.costMicros,
  risk: data.risk,
  mode: data.mode,
  why: data.why,
  requested_by: storableText(data.requestedBy),
  requested_at: isoTime(Date.parse(metadata.occurredAt)),
  edited_by: data.editedBy === undefined ? null : storableText(data.editedBy),
  replaces: data.replaces ?? null,
  replaced_by: null,
  resumes: data.resumes ?? null,
  expires_at: isoTime(Date.parse(data.expiresAt)),
  status: 'waiting',
  decided_by: null,
  decided_at: null,
  reason: null,
  outcome: null,
  outcome_code: null,
  first_position: position,
  last_position: position,
  last_sequence: sequence,
})
