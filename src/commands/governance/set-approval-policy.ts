import { z } from 'zod'
import { approvalTerms, modeStream } from '../../events/governance.ts'
import { governance } from '../aggregates/governance.ts'
import { defineCommand } from '../decider.ts'

/** Sets by which rules actions and answers wait for a person; a rule that is not given stays. Actions that wait already keep their time. */
export const SetApprovalPolicy = defineCommand({ governance })({
  name: 'SetApprovalPolicy',
  schema: z
    .strictObject(approvalTerms)
    .partial()
    .refine((rules) => Object.keys(rules).length > 0, 'must have at least one rule'),
  recordsRefusals: true,
  reads: () => ({ governance: modeStream }),

  decide(given, states, { principal }) {
    const {
      thresholdMicros = states.governance.thresholdMicros,
      approveAnswers = states.governance.approveAnswers,
      timeoutSeconds = states.governance.timeoutSeconds,
    } = given
    return {
      outcome: 'accepted',
      events: {
        governance: [
          { type: 'ApprovalPolicySet', data: { thresholdMicros, approveAnswers, timeoutSeconds, by: principal } },
        ],
      },
    }
  },
})
