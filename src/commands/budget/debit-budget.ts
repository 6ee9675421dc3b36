import { z } from 'zod'
import { chatStream } from '../../events/chat.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { budget } from '../aggregates/budget.ts'
import { attemptProblem, chat } from '../aggregates/chat.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { settle, Settlement } from './settlement.ts'

/**
 * Settles a model call without ending the prompt, after a worker crashed or at an orderly stop. Never refuses incurred costs.
 */
export const DebitBudget = defineCommand({ chat, budget })({
  name: 'DebitBudget',
  schema: z.strictObject({ requestId: Uuid7, attempt: z.int().positive(), settlement: Settlement }),
  reads: ({ requestId, settlement }) => ({ chat: chatStream(requestId), budget: settlement.budget }),

  decide({ requestId, attempt, settlement }, states) {
    const problem = attemptProblem(states.chat, attempt)
    if (problem || states.chat.status !== 'open') return refused(problem ?? 'prompt_finished')
    const settled = settle(states.chat, requestId, settlement)
    if (!settled) return refused('call_not_open', { callId: settlement.callId })
    return { outcome: 'accepted', events: { chat: settled.chat, budget: settled.budget } }
  },
})
