import { z } from 'zod'
import { BudgetStream } from '../../events/budget.ts'
import { budget, isOver } from '../aggregates/budget.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Lifts the throttle of a day that is over, by the clock of its policy's time zone. Source: domain rules, "Budget". */
export const CloseBudgetDay = defineCommand({ budget })({
  name: 'CloseBudgetDay',
  schema: z.strictObject({ budget: BudgetStream }),
  reads: (command) => ({ budget: command.budget }),

  decide(_, states, { now }) {
    const { terms, isThrottled, spentMicros } = states.budget
    if (!terms || !isThrottled || !isOver(terms, now)) return refused('nothing_due')
    const { dailyMicros } = terms
    return {
      outcome: 'accepted',
      events: { budget: [{ type: 'ThrottleLifted', data: { why: 'day_ended', spentMicros, dailyMicros } }] },
    }
  },
})
