import { z } from 'zod'
import { maxTokenCount, Micros, TokenCount, UsageSource } from '../../events/amounts.ts'
import { BudgetStream, type BudgetEvent } from '../../events/budget.ts'
import type { ChatEvent } from '../../events/chat.ts'
import type { OpenChat } from '../aggregates/chat.ts'

/**
 * The outcome and cost of a model call, a part of every command that ends one. `released` means that the call never reached a model.
 * A call with unknown usage costs its whole reservation.
 */
export const Settlement = z.strictObject({
  callId: z.string().min(1).max(128),
  budget: BudgetStream,
  outcome: z.enum(['completed', 'cancelled', 'failed', 'lost', 'released']),
  usage: UsageSource,
  promptTokens: TokenCount,
  completionTokens: TokenCount,
  priceRef: z.string().min(1).max(300),
  /** Ignored if the usage is unknown. */
  costMicros: Micros,
})
export type Settlement = z.infer<typeof Settlement>

type Settled = {
  chat: ChatEvent[]
  budget: BudgetEvent[]
  bill: { costMicros: number; tokens: { promptTokens: number; completionTokens: number } }
}

/** The events that settle a call in its prompt and in its budget, and the prompt's bill after them. Null if the call is not open. */
export function settle(state: OpenChat, requestId: string, settlement: Settlement | undefined): Settled | null {
  const { costMicros, promptTokens, completionTokens } = state
  if (!settlement) return { chat: [], budget: [], bill: bill(costMicros, promptTokens, completionTokens) }
  const call = state.openCalls.find((open) => open.callId === settlement.callId)
  if (!call) return null

  const { callId, phase, member, model } = call
  if (settlement.outcome === 'released') {
    return {
      chat: [
        {
          type: 'ModelCallEnded',
          data: { callId, outcome: 'failed', usage: 'reported', promptTokens: 0, completionTokens: 0, costMicros: 0 },
        },
      ],
      budget: [
        {
          type: 'BudgetReleased',
          data: { callId, requestId, amountMicros: call.reservedMicros, reason: 'the call never reached a model' },
        },
      ],
      bill: bill(costMicros, promptTokens, completionTokens),
    }
  }
  const actualMicros = settlement.usage === 'unknown' ? call.reservedMicros : settlement.costMicros
  const used = {
    usage: settlement.usage,
    promptTokens: settlement.promptTokens,
    completionTokens: settlement.completionTokens,
  }
  return {
    chat: [
      { type: 'ModelCallEnded', data: { callId, outcome: settlement.outcome, ...used, costMicros: actualMicros } },
    ],
    budget: [
      {
        type: 'BudgetDebited',
        data: { callId, requestId, model, phase, member, ...used, priceRef: settlement.priceRef, actualMicros },
      },
    ],
    bill: bill(costMicros + actualMicros, promptTokens + used.promptTokens, completionTokens + used.completionTokens),
  }
}

/** Caps token sums, so that an overflow cannot keep a prompt open. The events of the calls have the exact numbers. */
const bill = (costMicros: number, promptTokens: number, completionTokens: number): Settled['bill'] => ({
  costMicros,
  tokens: {
    promptTokens: Math.min(promptTokens, maxTokenCount),
    completionTokens: Math.min(completionTokens, maxTokenCount),
  },
})
