import { defaultTerms } from '../../../src/commands/aggregates/policy.ts'
import type { ReserveBudget } from '../../../src/commands/budget/reserve-budget.ts'
import { budgetStream, type BudgetEvent } from '../../../src/events/budget.ts'
import { chatStream } from '../../../src/events/chat.ts'
import { zonedDay } from '../../../src/events/day.ts'
import { Uuid7 } from '../../../src/events/identifiers.ts'
import { councilScope, type BudgetTerms } from '../../../src/events/policy.ts'

export const requestId = Uuid7.parse('0199a0b0-0000-7000-8000-000000000001')
/** The time of a decision in tests, and its day in UTC. */
const now = '2026-11-23T12:00:00.000Z'
export const day = '2026-11-23'
export const stream = budgetStream('council', day)

/** The council's budget of the day, on the default terms with changes. */
export const opened = (changes: Partial<BudgetTerms> = {}, at = now): BudgetEvent => {
  const terms = { ...defaultTerms, ...changes }
  return { type: 'BudgetOpened', data: { scope: councilScope, ...terms, ...zonedDay(at, terms.timeZone) } }
}

export const reserved = (callId: string, amountMicros = 1000): BudgetEvent => ({
  type: 'BudgetReserved',
  data: { callId, requestId, model: 'smollm2', amountMicros, expiresAt: '2026-11-23T12:15:00.000Z' },
})

/** A call in the council's budget of the day. */
export const reserve = (
  request: Uuid7,
  callId: string,
  amountMicros: number,
): ReturnType<typeof ReserveBudget.schema.parse> => ({
  scopes: [{ scope: councilScope, day }],
  work: chatStream(request),
  attempt: 1,
  calls: [{ callId, phase: 'respond', member: 'council', model: 'smollm2', amountMicros }],
  expiresAt: '2026-11-23T12:15:00.000Z',
})
