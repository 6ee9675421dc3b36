import type { BudgetEvent } from '../../events/budget.ts'
import type { BudgetTerms } from '../../events/policy.ts'
import type { Aggregate } from '../decider.ts'

/** The terms of a day. `closesAt` is the instant (ISO 8601 UTC) in which the next day begins. */
export type OpenTerms = BudgetTerms & { closesAt: string }

/** The budget of a scope on one day: its terms, the amount spent, and the reservations of unsettled calls. */
export type Budget = {
  /** Null before its first use, and in a log from before budgets had terms. */
  terms: OpenTerms | null
  spentMicros: number
  reservations: Record<string, number>
  isThrottled: boolean
  /** The highest daily amount whose hard limit was reported on this day; null before the first report. */
  reportedLimitMicros: number | null
}

export const budget: Aggregate<Budget, BudgetEvent, 'budget'> = {
  category: 'budget',
  stateVersion: 3,
  initial: { terms: null, spentMicros: 0, reservations: {}, isThrottled: false, reportedLimitMicros: null },
  evolve,
  /** The end of the day lifts its throttle. */
  nextDeadlineMs: ({ terms, isThrottled }) => (terms && isThrottled ? Date.parse(terms.closesAt) : null),
}

function evolve(state: Budget, event: BudgetEvent): Budget {
  switch (event.type) {
    case 'BudgetOpened':
    case 'BudgetAdjusted': {
      const { dailyMicros, softPercent, onExceed, timeZone, closesAt } = event.data
      return { ...state, terms: { dailyMicros, softPercent, onExceed, timeZone, closesAt } }
    }
    case 'BudgetReserved':
      return { ...state, reservations: { ...state.reservations, [event.data.callId]: event.data.amountMicros } }
    case 'BudgetDebited':
      return {
        ...state,
        spentMicros: state.spentMicros + event.data.actualMicros,
        reservations: without(state.reservations, event.data.callId),
      }
    case 'BudgetReleased':
      return { ...state, reservations: without(state.reservations, event.data.callId) }
    case 'ThrottleEngaged':
      return { ...state, isThrottled: true }
    case 'ThrottleLifted':
      return { ...state, isThrottled: false }
    case 'HardLimitReached':
      return { ...state, reportedLimitMicros: event.data.dailyMicros }
    default:
      return event satisfies never
  }
}

/**
 * The amount that can still be reserved, in micro-dollars; negative after an overrun. Reserved money counts as spent, so concurrent
 * requests never overspend.
 */
export const availableMicros = (before: Budget, { dailyMicros }: Pick<BudgetTerms, 'dailyMicros'>): number =>
  dailyMicros - before.spentMicros - reservedMicros(before)

/** The amount that is set aside for unsettled calls, in micro-dollars. */
export const reservedMicros = ({ reservations }: Pick<Budget, 'reservations'>): number =>
  Object.values(reservations).reduce((sum, amount) => sum + amount, 0)

/** From this amount on the budget is throttled, rounded up. */
export const softMicros = ({ dailyMicros, softPercent }: BudgetTerms): number =>
  Number((BigInt(dailyMicros) * BigInt(softPercent) + 99n) / 100n)

/** Whether a budget with this spending is throttled on these terms. A budget that stops at its hard limit is never throttled. */
export const isThrottledOn = (spentMicros: number, terms: BudgetTerms): boolean =>
  terms.onExceed !== 'stop' && spentMicros >= softMicros(terms)

/** Whether the day of a budget has ended at a time (ISO 8601 UTC). */
export const isOver = ({ closesAt }: OpenTerms, now: string): boolean => Date.parse(now) >= Date.parse(closesAt)

function without(reservations: Record<string, number>, callId: string): Record<string, number> {
  const { [callId]: _settled, ...rest } = reservations
  return rest
}
