import type { BudgetEvent } from '../../events/budget.ts'
import type { Aggregate } from '../decider.ts'

/** The council's default policy: $10 a day, in UTC. Source: domain rules, seed story 20.2. */
export const defaultDailyMicros = 10_000_000

/** The budget of a scope on one day: the amount spent, and the reservations of unsettled calls. */
export type Budget = { spentMicros: number; reservations: Record<string, number> }

export const budget: Aggregate<Budget, BudgetEvent, 'budget'> = {
  category: 'budget',
  stateVersion: 1,
  initial: { spentMicros: 0, reservations: {} },
  evolve,
}

function evolve(state: Budget, event: BudgetEvent): Budget {
  switch (event.type) {
    case 'BudgetReserved':
      return { ...state, reservations: { ...state.reservations, [event.data.callId]: event.data.amountMicros } }
    case 'BudgetDebited':
      return {
        spentMicros: state.spentMicros + event.data.actualMicros,
        reservations: without(state.reservations, event.data.callId),
      }
    case 'BudgetReleased':
      return { ...state, reservations: without(state.reservations, event.data.callId) }
    default:
      return event satisfies never
  }
}

/** The amount that can still be reserved. Reserved money counts as spent, so concurrent requests never overspend. */
export const availableMicros = (state: Budget): number =>
  defaultDailyMicros - state.spentMicros - Object.values(state.reservations).reduce((sum, amount) => sum + amount, 0)

function without(reservations: Record<string, number>, callId: string): Record<string, number> {
  const { [callId]: _settled, ...rest } = reservations
  return rest
}
