import { z } from 'zod'
import { governance } from '../../commands/aggregates/governance.ts'
import { Risk, WaitReason } from '../../events/approval.ts'
import { Mode } from '../../events/governance.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import {
  approvalReport,
  approvals,
  ApprovalStatus,
  selectApproval,
  selectApprovals,
  type ApprovalRow,
  type ApprovalSight,
} from '../../projections/approvals.ts'
import {
  modeHistory,
  selectCurrentMode,
  selectModeChanges,
  type ModeChangeRow,
} from '../../projections/mode-history.ts'
import { promptsOf, type Identity } from '../access/identity.ts'
import { Count, Micros, Positions, Time } from './fields.ts'
import { Next, pageFields, pageOf, sequenceCursor } from './page.ts'
import { always, query, type Query } from './query.ts'
import { itemQuery, listByStatusQuery } from './row-queries.ts'

const Approval = z
  .object({
    approval: z.string(),
    action: z.string().meta({ description: 'The command that runs when it is approved.' }),
    status: ApprovalStatus,
    costMicros: Micros,
    risk: Risk,
    mode: Mode.meta({ description: 'The mode when the action was proposed.' }),
    why: WaitReason,
    requestedBy: z.string(),
    requestedAt: Time,
    editedBy: z.string().nullable(),
    replaces: z.string().nullable(),
    replacedBy: z.string().nullable(),
    requestId: z.string().nullable().meta({ description: 'The prompt that waits for the decision.' }),
    expiresAt: Time,
    decidedBy: z.string().nullable(),
    decidedAt: Time.nullable(),
    reason: z.string().nullable().meta({ description: 'Why a person denied it.' }),
    outcome: z.enum(['executed', 'refused', 'resumed']).nullable(),
    outcomeCode: z.string().nullable(),
    argumentsHash: z.string(),
    exactArguments: z.string().meta({ description: 'Canonical JSON: what is approved runs, byte for byte.' }),
    positions: Positions,
  })
  .meta({ id: 'Approval' })

const ApprovalPolicy = z.object({ thresholdMicros: Micros, approveAnswers: z.boolean(), timeoutSeconds: Count })
const change = { position: z.string(), occurredAt: Time, by: z.string() }
const ModeChange = z
  .union([
    z.object({ ...change, from: Mode.nullable(), to: Mode, reason: z.string().nullable() }),
    z.object({
      ...change,
      approvalPolicy: z.object({
        thresholdMicros: Micros.nullable(),
        approveAnswers: z.boolean().nullable(),
        timeoutSeconds: Count.nullable(),
      }),
    }),
  ])
  .meta({ id: 'ModeChange' })

/** The mode, and the actions that wait or waited for a person. */
export const governanceQueries: readonly Query[] = [
  listByStatusQuery({
    path: '/v1/approvals',
    summary: 'Actions that wait or waited for a person, the newest first.',
    scope: 'chat:read',
    readModel: approvals,
    name: 'approvals',
    row: Approval,
    status: ApprovalStatus,
    select: (tx, asked, viewer) => selectApprovals(tx, asked, sightOf(viewer)),
    cursorOf: (row) => row.approval_id,
    print: printApproval,
  }),
  itemQuery({
    path: '/v1/approvals/:id',
    summary: 'One action that waits or waited for a person.',
    scope: 'chat:read',
    readModel: approvals,
    row: Approval,
    id: Uuid7,
    notFound: 'there is no such approval',
    select: (tx, id, viewer) => selectApproval(tx, id, sightOf(viewer)),
    print: printApproval,
  }),
  query({
    path: '/v1/mode',
    summary: 'The mode and its changes, the newest first.',
    scope: 'chat:read',
    readModel: modeHistory,
    isCommon: always,
    fields: pageFields(sequenceCursor),
    body: z.object({
      mode: Mode,
      since: Time.nullable().meta({ description: 'Null: it was never switched.' }),
      switchedBy: z.string().nullable(),
      reason: z.string().nullable(),
      approvalPolicy: ApprovalPolicy,
      changes: z.array(ModeChange),
      next: Next,
    }),
    notFound: 'there is no mode',
    async answer(tx, { cursor, limit }) {
      const { switched, policy } = await selectCurrentMode(tx)
      const { page, last } = await pageOf(limit, (most) => selectModeChanges(tx, cursor, most))
      const { initial } = governance
      return {
        mode: switched?.mode_to ?? initial.mode,
        since: switched?.occurred_at ?? null,
        switchedBy: switched?.changed_by ?? null,
        reason: switched?.reason ?? null,
        approvalPolicy: {
          thresholdMicros: policy?.threshold_micros ?? initial.thresholdMicros,
          approveAnswers: policy?.approve_answers ?? initial.approveAnswers,
          timeoutSeconds: policy?.timeout_seconds ?? initial.timeoutSeconds,
        },
        changes: page.map(printChange),
        next: last ? String(last.sequence) : null,
      }
    },
  }),
]

/** Who decides sees what waits; everyone sees what they asked for. An approval of a prompt belongs to its asker. */
const sightOf = (viewer: Identity): ApprovalSight => ({
  ofSubject: viewer.scopes.has('approvals:write') ? null : viewer.subject,
  promptsOf: promptsOf(viewer),
})

function printApproval(row: ApprovalRow): z.output<typeof Approval> {
  return { ...approvalReport(row), positions: { first: row.first_position, last: row.last_position } }
}

function printChange(row: ModeChangeRow): z.output<typeof ModeChange> {
  const common = { position: row.position, occurredAt: row.occurred_at, by: row.changed_by }
  if (row.mode_to !== null) return { ...common, from: row.mode_from, to: row.mode_to, reason: row.reason }
  const { threshold_micros, approve_answers, timeout_seconds } = row
  return {
    ...common,
    approvalPolicy: {
      thresholdMicros: threshold_micros,
      approveAnswers: approve_answers,
      timeoutSeconds: timeout_seconds,
    },
  }
}
