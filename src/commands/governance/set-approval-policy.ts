import { z } from 'zod'
import { approvalTerms, modeStream } from '../../events/mode.ts'
import { mode } from '../aggregates/mode.ts'
import { defineCommand } from '../decider.ts'

/** Sets by which rules actions and answers wait for a person. Actions that wait already keep their time. */
export const SetApprovalPolicy = defineCommand({ mode })({
  name: 'SetApprovalPolicy',
  schema: z.strictObject({
    thresholdMicros: approvalTerms.thresholdMicros.default(mode.initial.thresholdMicros),
    approveAnswers: approvalTerms.approveAnswers.default(mode.initial.approveAnswers),
    timeoutSeconds: approvalTerms.timeoutSeconds.default(mode.initial.timeoutSeconds),
  }),
  recordsRefusals: true,
  reads: () => ({ mode: modeStream }),

  decide: ({ thresholdMicros, approveAnswers, timeoutSeconds }, _states, { principal }) => ({
    outcome: 'accepted',
    events: {
      mode: [{ type: 'ApprovalPolicySet', data: { thresholdMicros, approveAnswers, timeoutSeconds, by: principal } }],
    },
  }),
})
