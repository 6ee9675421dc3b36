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
 * Reserves money for model calls before the calls, and records them on their prompt, in one append. Refused if the day's budget cannot
 * cover all of them: calls that run side by side are admitted together or not at all. Reservations count as spent.
 */
export const ReserveBudget = defineCommand({ chat, budget })({
  name: 'ReserveBudget',
  schema: z.strictObject({
    scope: z.literal('council'),
    /** The day whose budget pays, `yyyy-mm-dd`. */
    day: z.iso.date(),
    requestId: Uuid7,
    attempt: z.int().positive(),
    calls: z
      .array(
        z.strictObject({
          callId: z.string().min(1).max(128),
          phase: z.string().min(1).max(32),
          member: z.string().min(1).max(64),
          model: z.string().min(1).max(256),
          amountMicros: Micros,
        }),
      )
      .min(1)
      .max(16),
    expiresAt: z.iso.datetime(),
  }),
  reads: ({ requestId, scope, day }) => ({ chat: chatStream(requestId), budget: budgetStream(scope, day) }),

  decide({ scope, day, requestId, attempt, calls, expiresAt }, states) {
    const problem = attemptProblem(states.chat, attempt)
    if (problem) return refused(problem)
    const known = calls.find(({ callId }) => callId in states.budget.reservations)
    if (known) return refused('call_exists', { callId: known.callId })
    const available = availableMicros(states.budget)
    const sum = calls.reduce((micros, { amountMicros }) => micros + amountMicros, 0)
    if (sum > available)
      return refused('budget_exceeded', { availableMicros: available, amountMicros: sum, nextDay: startOfNextDay(day) })
    return {
      outcome: 'accepted',
      events: {
        chat: calls.map(({ callId, phase, member, model, amountMicros }) => ({
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
        })),
        budget: calls.map(({ callId, model, amountMicros }) => ({
          type: 'BudgetReserved',
          data: { callId, requestId, model, amountMicros, expiresAt },
        })),
      },
    }
  },
})
