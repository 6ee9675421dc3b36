import { z } from 'zod'
import { WorkStream } from '../../events/model-call.ts'
import { defineCommand } from '../decider.ts'
import { Settlement, settleStep, stepAggregates, stepReads } from './settlement.ts'

/**
 * Settles a model call without ending its work, after a worker crashed or at an orderly stop. Never refuses incurred costs.
 */
export const DebitBudget = defineCommand(stepAggregates)({
  name: 'DebitBudget',
  schema: z.strictObject({ work: WorkStream, attempt: z.int().positive(), settlement: Settlement }),
  reads: ({ work, ...step }) => stepReads(work, step),

  decide({ work, ...step }, states, { now }) {
    const settled = settleStep(states, work, step, now)
    if ('outcome' in settled) return settled
    return { outcome: 'accepted', events: settled }
  },
})
