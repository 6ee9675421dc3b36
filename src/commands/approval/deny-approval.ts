import { z } from 'zod'
import { approvalStream } from '../../events/approval.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { approval } from '../aggregates/approval.ts'
import { defineCommand } from '../decider.ts'
import { Reason } from '../treasury/reason.ts'
import { stillWaiting } from './deciding.ts'

/** Refuses an action for good. The subject that asked for it may withdraw it in this way. */
export const DenyApproval = defineCommand({ approval })({
  name: 'DenyApproval',
  schema: z.strictObject({ approvalId: Uuid7, reason: Reason }),
  recordsRefusals: true,
  reads: ({ approvalId }) => ({ approval: approvalStream(approvalId) }),

  decide({ approvalId, reason }, states, { now, principal }) {
    const state = stillWaiting(approvalId, states.approval, now)
    if ('outcome' in state) return state
    return {
      outcome: 'accepted',
      events: { approval: [{ type: 'ApprovalDenied', data: { by: principal, reason } }] },
      ...(state.resumes !== null && { jobs: [{ kind: 'act', on: approvalStream(approvalId) }] }),
    }
  },
})
