import { z } from 'zod'
import { approvalStream, ArgumentsHash } from '../../events/approval.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { approval } from '../aggregates/approval.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { mayApprove, stillWaiting } from './deciding.ts'

/** Lets an action run, once and with exactly its arguments. Never by the one who asked for it. */
export const GrantApproval = defineCommand({ approval })({
  name: 'GrantApproval',
  schema: z.strictObject({
    approvalId: Uuid7,
    /** The hash of the arguments that the approver saw. */
    argumentsHash: ArgumentsHash.optional(),
  }),
  recordsRefusals: true,
  reads: ({ approvalId }) => ({ approval: approvalStream(approvalId) }),

  decide({ approvalId, argumentsHash: seen }, states, { now, principal }) {
    const state = stillWaiting(approvalId, states.approval, now)
    if ('outcome' in state) return state
    const { argumentsHash } = state
    if (!mayApprove(state, principal)) return refused('approver_not_independent', { approvalId })
    if (seen !== undefined && seen !== argumentsHash) return refused('arguments_differ', { approvalId })
    return {
      outcome: 'accepted',
      events: { approval: [{ type: 'ApprovalGranted', data: { by: principal, argumentsHash } }] },
      jobs: [{ kind: 'act', on: approvalStream(approvalId) }],
    }
  },
})
