import { z } from 'zod'
import { approvalStream } from '../../events/approval.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { approval, isOverdue } from '../aggregates/approval.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** The clock's command: no person decided in time, which means no. */
export const ExpireApproval = defineCommand({ approval })({
  name: 'ExpireApproval',
  schema: z.strictObject({ approvalId: Uuid7 }),
  reads: ({ approvalId }) => ({ approval: approvalStream(approvalId) }),

  decide({ approvalId }, states, { now }) {
    const state = states.approval
    if (state.status !== 'waiting' || !isOverdue(state, now)) return refused('nothing_due')
    const expiresAt = new Date(state.expiresAtMs).toISOString()
    return {
      outcome: 'accepted',
      events: { approval: [{ type: 'ApprovalExpired', data: { expiresAt } }] },
      ...(state.resumes !== null && { jobs: [{ kind: 'act', on: approvalStream(approvalId) }] }),
    }
  },
})
