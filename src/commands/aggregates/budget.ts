import type { BudgetEvent } from '../../events/budget.ts'
import type { Aggregate } from '../decider.ts'

/** The council's standing policy while nobody has set another: $10 a day, in UTC. Source: domain rules, seed story 20.2. */
export const defaultDailyMicros = 10_000_000

/** One scope's budget on one day: what was spent, and what is promised to calls that have not settled yet. */
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

/** What may still be reserved today. Reserved money is promised, so concurrent requests can never overspend. */
export const availableMicros = (state: Budget): number =>
  defaultDailyMicros - state.spentMicros - Object.values(state.reservations).reduce((sum, amount) => sum + amount, 0)

function without(reservations: Record<string, number>, callId: string): Record<string, number> {
  const { [callId]: _settled, ...rest } = reservations
  return rest
}
