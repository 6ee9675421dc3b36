/** How the budget of a scope's day admits calls and takes their costs. Commands decide by these rules, and simulations replay them. */

import type { BudgetEvent } from '../../events/budget.ts'
import type { ZonedDay } from '../../events/day.ts'
import type { BudgetScope, BudgetTerms } from '../../events/policy.ts'
import { availableMicros, isOver, isThrottledOn, softMicros, type Budget } from '../aggregates/budget.ts'

/** The amounts that keep calls out of a budget; null if it covers all of them. Calls that run side by side are admitted together. */
export function shortfall(
  before: Budget,
  terms: BudgetTerms,
  calls: readonly { amountMicros: number }[],
): { availableMicros: number; amountMicros: number } | null {
  const available = availableMicros(before, terms)
  const amountMicros = calls.reduce((sum, call) => sum + call.amountMicros, 0)
  return amountMicros <= available ? null : { availableMicros: available, amountMicros }
}

/** The events that put a budget on the terms in force; none if it is. */
export function openedOn(
  { terms: current, isThrottled, spentMicros }: Budget,
  { scope, day, opensAt, closesAt }: ZonedDay & { scope: BudgetScope },
  terms: BudgetTerms,
): BudgetEvent[] {
  const { dailyMicros, softPercent, onExceed, timeZone } = terms
  const fields = { dailyMicros, softPercent, onExceed, timeZone }
  if (!current) return [{ type: 'BudgetOpened', data: { scope, day, ...fields, opensAt, closesAt } }]
  const { closesAt: closedAt, ...before } = current
  const isSame =
    closedAt === closesAt &&
    Object.entries(fields).every(([field, value]) => before[field as keyof BudgetTerms] === value)
  if (isSame) return []
  const isLifted = isThrottled && !isThrottledOn(spentMicros, terms)
  return [
    { type: 'BudgetAdjusted', data: { ...fields, closesAt } },
    ...(isLifted
      ? [{ type: 'ThrottleLifted' as const, data: { why: 'limit_raised' as const, spentMicros, dailyMicros } }]
      : []),
  ]
}

/** The throttle, if a cost takes the budget to its soft limit; no event otherwise. A day that is over has nothing left to throttle. */
export function throttledBy(before: Budget, actualMicros: number, now: string): BudgetEvent[] {
  const { terms, isThrottled } = before
  const spentMicros = before.spentMicros + actualMicros
  if (!terms || isThrottled || !isThrottledOn(spentMicros, terms) || isOver(terms, now)) return []
  const { dailyMicros, closesAt } = terms
  return [
    { type: 'ThrottleEngaged', data: { spentMicros, softMicros: softMicros(terms), dailyMicros, until: closesAt } },
  ]
}
