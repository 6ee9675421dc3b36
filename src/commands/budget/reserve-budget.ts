import { z } from 'zod'
import { chatStream } from '../../events/chat.ts'
import { budgetStream } from '../../events/budget.ts'
import { Micros } from '../../events/amounts.ts'
import { startOfNextDay } from '../../events/day.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { availableMicros, budget } from '../aggregates/budget.ts'
import { attemptProblem, chat } from '../aggregates/chat.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/**
 * Reserves money for a model call before the call, and records the call on its prompt, in one append. Refused if the day's budget
 * cannot cover it; reservations count as spent.
 */
export const ReserveBudget = defineCommand({ chat, budget })({
  name: 'ReserveBudget',
  schema: z.strictObject({
    scope: z.literal('council'),
    /** The day whose budget pays, `yyyy-mm-dd`. */
    day: z.iso.date(),
    callId: z.string().min(1).max(128),
    requestId: Uuid7,
    attempt: z.int().positive(),
    phase: z.string().min(1).max(32),
    member: z.string().min(1).max(64),
    model: z.string().min(1).max(256),
    amountMicros: Micros,
    expiresAt: z.iso.datetime(),
  }),
  reads: ({ requestId, scope, day }) => ({ chat: chatStream(requestId), budget: budgetStream(scope, day) }),

  decide({ scope, day, callId, requestId, attempt, phase, member, model, amountMicros, expiresAt }, states) {
    const problem = attemptProblem(states.chat, attempt)
    if (problem) return refused(problem)
    if (callId in states.budget.reservations) return refused('call_exists', { callId })
    const available = availableMicros(states.budget)
    if (amountMicros > available)
      return refused('budget_exceeded', { availableMicros: available, amountMicros, nextDay: startOfNextDay(day) })
    return {
      outcome: 'accepted',
      events: {
        chat: [
          {
            type: 'ModelCallStarted',
            data: {
              callId,
              attempt,
              phase,
              member,
              model,
              budgets: [budgetStream(scope, day)],
              reservedMicros: amountMicros,
            },
          },
        ],
        budget: [{ type: 'BudgetReserved', data: { callId, requestId, model, amountMicros, expiresAt } }],
      },
    }
  },
})
