import { z } from 'zod'
import { approvalTerms, modeStream } from '../../events/governance.ts'
import { governance } from '../aggregates/governance.ts'
import { defineCommand } from '../decider.ts'

/** Sets by which rules actions and answers wait for a person. Actions that wait already keep their time. */
export const SetApprovalPolicy = defineCommand({ governance })({
  name: 'SetApprovalPolicy',
  schema: z.strictObject({
    thresholdMicros: approvalTerms.thresholdMicros.default(governance.initial.thresholdMicros),
    approveAnswers: approvalTerms.approveAnswers.default(governance.initial.approveAnswers),
    timeoutSeconds: approvalTerms.timeoutSeconds.default(governance.initial.timeoutSeconds),
  }),
  recordsRefusals: true,
  reads: () => ({ governance: modeStream }),

  decide: ({ thresholdMicros, approveAnswers, timeoutSeconds }, _states, { principal }) => ({
    outcome: 'accepted',
    events: {
      governance: [
        { type: 'ApprovalPolicySet', data: { thresholdMicros, approveAnswers, timeoutSeconds, by: principal } },
      ],
    },
  }),
})
