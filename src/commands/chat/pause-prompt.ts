import { z } from 'zod'
import { approvalStream } from '../../events/approval.ts'
import { Micros } from '../../events/amounts.ts'
import { BudgetStream } from '../../events/budget.ts'
import { chatStream } from '../../events/chat.ts'
import { modeStream } from '../../events/governance.ts'
import { Position, Uuid7 } from '../../events/identifiers.ts'
import { approval } from '../aggregates/approval.ts'
import { chat } from '../aggregates/chat.ts'
import { governance } from '../aggregates/governance.ts'
import { exactArgumentsOf } from '../approval/exact-arguments.ts'
import { requestedEvent } from '../approval/governed.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { councilAgent } from './council-agent.ts'

/**
 * Lets a prompt wait for a person, because the day of a budget is used up whose policy is to pause. The attempt ends, and its job with
 * it: the decision makes a new one.
 */
export const PausePrompt = defineCommand({ chat, approval, governance })({
  name: 'PausePrompt',
  schema: z.strictObject({
    requestId: Uuid7,
    attempt: z.int().positive(),
    approvalId: Uuid7,
    promptPosition: Position,
    budget: BudgetStream,
    /** What the refused calls would have reserved. */
    amountMicros: Micros,
    job: z.string().regex(/^\d+-\d+$/),
  }),
  reads: ({ requestId, approvalId }) => ({
    chat: chatStream(requestId),
    approval: approvalStream(approvalId),
    governance: modeStream,
  }),

  decide({ requestId, attempt, approvalId, promptPosition, budget, amountMicros, job }, states, { now }) {
    if (states.chat.status === 'absent') return refused('prompt_unknown')
    if (states.chat.status === 'finished') return refused('prompt_finished')
    if (states.chat.attempt !== attempt) return refused('attempt_superseded')
    const { openCalls } = states.chat
    if (openCalls.length > 0) return refused('calls_still_open', { calls: openCalls.length })
    if (states.approval.status !== 'absent') return refused('approval_exists', { approvalId })
    const requested = requestedEvent(states.governance, now, {
      approvalId,
      action: 'ExceedBudget',
      ...exactArgumentsOf({ requestId, budget }),
      costMicros: amountMicros,
      risk: 'medium',
      why: 'budget_exceeded',
      requestedBy: councilAgent,
      resumes: requestId,
    })
    return {
      outcome: 'accepted',
      events: {
        approval: [requested],
        chat: [{ type: 'PromptPaused', data: { approvalId, promptPosition, why: 'budget_exceeded', budget } }],
      },
      finishesJob: job,
    }
  },
})
