import { z } from 'zod'
import { Uuid7 } from '../../events/identifiers.ts'
import { defineCommand } from '../decider.ts'
import { Settlement, settleStep, stepAggregates, stepReads } from './settlement.ts'

/**
 * Settles a model call without ending the prompt, after a worker crashed or at an orderly stop. Never refuses incurred costs.
 */
export const DebitBudget = defineCommand(stepAggregates)({
  name: 'DebitBudget',
  schema: z.strictObject({ requestId: Uuid7, attempt: z.int().positive(), settlement: Settlement }),
  reads: ({ requestId, ...step }) => stepReads(requestId, step),

  decide({ requestId, ...step }, states, { now }) {
    const settled = settleStep(states, requestId, step, now)
    if ('outcome' in settled) return settled
    return { outcome: 'accepted', events: settled }
  },
})
