import type { BudgetStream } from '../events/budget.ts'
import type { ModelCallEvent } from '../events/model-call.ts'

/** After this many attempts of crashed workers, without a pause between them, a piece of work fails as `crashed`. */
export const maxAttempts = 3

/** A model call whose cost is not settled. */
export type OpenCall = {
  callId: string
  attempt: number
  model: string
  phase: string
  member: string
  budgets: BudgetStream[]
  reservedMicros: number
}

/** The model calls of a piece of work: the open ones, and the cost and tokens of all ended ones, over all attempts. */
export type PaidCalls = { openCalls: OpenCall[]; costMicros: number; promptTokens: number; completionTokens: number }

export const noCalls: PaidCalls = { openCalls: [], costMicros: 0, promptTokens: 0, completionTokens: 0 }

/** The calls after one of them has started or ended. */
export function callsAfter(
  { openCalls, costMicros, promptTokens, completionTokens }: PaidCalls,
  event: ModelCallEvent,
): PaidCalls {
  switch (event.type) {
    case 'ModelCallStarted':
      return { openCalls: [...openCalls, event.data], costMicros, promptTokens, completionTokens }
    case 'ModelCallEnded':
      return {
        openCalls: openCalls.filter((call) => call.callId !== event.data.callId),
        costMicros: costMicros + event.data.costMicros,
        promptTokens: promptTokens + event.data.promptTokens,
        completionTokens: completionTokens + event.data.completionTokens,
      }
    default:
      return event satisfies never
  }
}
