import { governance } from '../../commands/aggregates/governance.ts'
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
import { defaultPage, pageOf, pageSize, sequenceCursor } from './page.ts'
import { query, type Query } from './query.ts'
import { itemQuery, listByStatusQuery } from './row-queries.ts'

/** The mode, and the actions that wait or waited for a person. */
export const governanceQueries: readonly Query[] = [
  listByStatusQuery({
    path: '/v1/approvals',
    scope: 'chat:read',
    readModel: approvals,
    name: 'approvals',
    status: ApprovalStatus,
    select: (tx, asked, viewer) => selectApprovals(tx, asked, sightOf(viewer)),
    cursorOf: (row) => row.approval_id,
    print: printApproval,
  }),
  itemQuery({
    path: '/v1/approvals/:id',
    scope: 'chat:read',
    readModel: approvals,
    id: Uuid7,
    notFound: 'there is no such approval',
    select: (tx, id, viewer) => selectApproval(tx, id, sightOf(viewer)),
    print: printApproval,
  }),
  query({
    path: '/v1/mode',
    scope: 'chat:read',
    readModel: modeHistory,
    fields: { cursor: sequenceCursor.optional(), limit: pageSize.default(defaultPage) },
    notFound: 'there is no mode',
    async answer(tx, { cursor, limit }) {
      const { switched, policy } = await selectCurrentMode(tx)
      const { page, last } = await pageOf(limit, (most) => selectModeChanges(tx, cursor, most))
      const { initial } = governance
      return {
        mode: switched?.mode_to ?? initial.mode,
        /** Null: it was never switched. */
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

function printApproval(row: ApprovalRow) {
  return { ...approvalReport(row), positions: { first: row.first_position, last: row.last_position } }
}

function printChange(row: ModeChangeRow) {
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
