import { z } from 'zod'
import { approvalStream } from '../../events/approval.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { approval } from '../aggregates/approval.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Records that a rule of the domain refused an approved action: the approval is used up all the same. */
export const CloseApproval = defineCommand({ approval })({
  name: 'CloseApproval',
  schema: z.strictObject({
    approvalId: Uuid7,
    code: z.string().min(1).max(64),
    /** The entry of the work stream that this append removes. */
    job: z.string().regex(/^\d+-\d+$/),
  }),
  reads: ({ approvalId }) => ({ approval: approvalStream(approvalId) }),

  decide({ approvalId, code, job }, states) {
    if (states.approval.status !== 'granted') return refused('approval_not_granted', { approvalId })
    return {
      outcome: 'accepted',
      events: { approval: [{ type: 'ApprovalUsed', data: { outcome: 'refused', code } }] },
      finishesJob: job,
    }
  },
})
