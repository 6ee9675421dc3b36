import { z } from 'zod'
import { Micros } from '../../events/amounts.ts'
import { budgetStream } from '../../events/budget.ts'
import { zonedDay } from '../../events/day.ts'
import { BudgetScope } from '../../events/policy.ts'
import { budget } from '../aggregates/budget.ts'
import { policiesOf, policy, termsOf } from '../aggregates/policy.ts'
import { defineCommand } from '../decider.ts'
import { openedOn } from './daily-budget.ts'

/**
 * Reports that a budget has refused or paused a call for the first time on its day. A refused command changes nothing but its record,
 * so `ReserveBudget` cannot report it: the worker that meets the refusal does, with the figures of the refusal. Changes nothing if the
 * limit was reported already, the day is over, or the daily amount is another one by now: the next refused call then reports the new
 * one. So of any number of refused calls on any number of gates, one writes the event; a worker that dies in between leaves it to the next.
 */
export const ReportHardLimit = defineCommand({ policies: [policy], budget })({
  name: 'ReportHardLimit',
  schema: z
    .strictObject({
      scope: BudgetScope,
      day: z.iso.date(),
      amountMicros: Micros,
      dailyMicros: Micros,
      spentMicros: Micros,
      reservedMicros: Micros,
    })
    .refine(
      ({ amountMicros, dailyMicros, spentMicros, reservedMicros }) =>
        amountMicros > dailyMicros - spentMicros - reservedMicros,
      'must be an amount that the budget does not cover',
    ),
  reads: ({ scope, day }) => ({ policies: policiesOf(scope), budget: budgetStream(scope, day) }),

  decide({ scope, day, ...refusal }, states, { now }) {
    const terms = termsOf(scope, states.policies)
    const today = terms && zonedDay(now, terms.timeZone)
    const { reportedLimitMicros } = states.budget
    const isReported = reportedLimitMicros !== null && refusal.dailyMicros <= reportedLimitMicros
    if (!terms || today?.day !== day || terms.dailyMicros !== refusal.dailyMicros || isReported)
      return { outcome: 'accepted', events: {} }
    const { amountMicros, dailyMicros, spentMicros, reservedMicros } = refusal
    const { closesAt: reopensAt } = today
    const figures = { amountMicros, dailyMicros, spentMicros, reservedMicros, reopensAt, timeZone: terms.timeZone }
    return {
      outcome: 'accepted',
      events: {
        budget: [
          ...openedOn(states.budget, { scope, ...today }, terms),
          { type: 'HardLimitReached', data: { kind: 'hard', ...figures } },
        ],
      },
    }
  },
})
