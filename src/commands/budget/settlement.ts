import { z } from 'zod'
import { maxTokenCount, Micros, TokenCount, UsageSource } from '../../events/amounts.ts'
import { BudgetStream, type BudgetEvent } from '../../events/budget.ts'
import { chatStream, type ChatEvent } from '../../events/chat.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import { budget } from '../aggregates/budget.ts'
import { attemptProblem, chat, type Chat, type OpenChat } from '../aggregates/chat.ts'
import { refused, type Refusal } from '../refusals.ts'

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

/** A worker's step at a request: its attempt, and the settlement of the model call that the step took. */
export const WorkerStep = z.strictObject({ attempt: z.int().positive(), settlement: Settlement.optional() })
export type WorkerStep = z.infer<typeof WorkerStep>

export const stepAggregates = { chat, budget }

/** What a command reads that records a worker's step. */
export const stepReads = (requestId: Uuid7, step: WorkerStep | undefined) => ({
  chat: step ? chatStream(requestId) : null,
  budget: step?.settlement?.budget ?? null,
})

/**
 * The events that settle the call of a step; none for a command that no worker gives. Refuses a step of an attempt that another one
 * has taken over from, so that a step is recorded, and paid for, once.
 */
export function settleStep(
  state: Chat,
  requestId: Uuid7,
  step: WorkerStep | undefined,
): { chat: ChatEvent[]; budget: BudgetEvent[] } | Refusal {
  if (!step) return { chat: [], budget: [] }
  const problem = attemptProblem(state, step.attempt)
  if (problem || state.status !== 'open') return refused(problem ?? 'prompt_finished')
  const settled = settle(state, requestId, step.settlement)
  if (!settled) return refused('call_not_open', { callId: step.settlement?.callId ?? '' })
  return { chat: settled.chat, budget: settled.budget }
}
