import { z } from 'zod'
import { accountStream, type AccountEvent } from '../../events/account.ts'
import { maxTokenCount, Micros, TokenCount, UsageSource } from '../../events/amounts.ts'
import { BudgetStream, type BudgetEvent } from '../../events/budget.ts'
import { WorkStream, workIdOf, type ModelCallEvent } from '../../events/model-call.ts'
import { account } from '../aggregates/account.ts'
import { budget } from '../aggregates/budget.ts'
import type { StatesOf } from '../decider.ts'
import type { OpenCall, PaidCalls } from '../paid-calls.ts'
import { refused, type Refusal } from '../refusals.ts'
import { callsOf, onWork, workAggregates, workReads, type WorkEvents, type WorkStates } from './paid-work.ts'
import { overrunId, paidCost, reserveId, spendId } from '../treasury/incurred-cost.ts'
import { throttledBy } from './daily-budget.ts'

/**
 * The outcome and cost of a model call, a part of every command that ends one. `released` means that the call never reached a model.
 * A call with unknown usage costs its whole reservation.
 */
export const Settlement = z.strictObject({
  callId: z.string().min(1).max(128),
  /** The budgets that the call is reserved in. */
  budgets: z.array(BudgetStream).min(1).max(8),
  outcome: z.enum(['completed', 'cancelled', 'failed', 'lost', 'released']),
  usage: UsageSource,
  promptTokens: TokenCount,
  cachedPromptTokens: TokenCount.optional(),
  completionTokens: TokenCount,
  priceRef: z.string().min(1).max(300),
  /** Ignored if the usage is unknown. */
  costMicros: Micros,
})
export type Settlement = z.infer<typeof Settlement>

/** A worker's step: its attempt, and the settlement of the model call that the step took. */
export const WorkerStep = z.strictObject({ attempt: z.int().positive(), settlement: Settlement.optional() })
export type WorkerStep = z.infer<typeof WorkerStep>

/** A step in an election, with the work that the election is part of. */
export const ElectionStep = z.strictObject({ work: WorkStream, ...WorkerStep.shape })
export type ElectionStep = z.infer<typeof ElectionStep>

/** What a command reads that records a worker's step: the work, the budgets of the call, and the accounts that pay for it. */
export const stepAggregates = {
  ...workAggregates,
  budgets: [budget],
  reserve: account,
  overrun: account,
  spend: account,
} as const
type StepStates = StatesOf<typeof stepAggregates>
const noPayment = { budgets: [], reserve: null, overrun: null, spend: null }

export const stepReads = (work: WorkStream, { settlement }: WorkerStep) => ({
  ...workReads(work),
  ...(settlement
    ? {
        budgets: settlement.budgets,
        reserve: accountStream(reserveId),
        overrun: accountStream(overrunId),
        spend: accountStream(spendId),
      }
    : noPayment),
})

/** The events of a settled call, by what a step reads. */
export type StepEvents = WorkEvents & {
  budgets: Map<BudgetStream, BudgetEvent[]>
  reserve: AccountEvent[]
  overrun: AccountEvent[]
  spend: AccountEvent[]
}
type Bill = { costMicros: number; tokens: { promptTokens: number; completionTokens: number } }

const noEvents = (): StepEvents => ({ chat: [], bounty: [], budgets: new Map(), reserve: [], overrun: [], spend: [] })

/**
 * The events that settle a call in its work, its budgets and the ledger, and the bill of the work after them. `reserve` pays the cost
 * to `spend`, and `overrun` what the reserve does not cover: an incurred cost is never refused. Null if the call is not open.
 */
export function settle(
  calls: PaidCalls,
  work: WorkStream,
  settlement: Settlement | undefined,
  states: Omit<StepStates, keyof WorkStates>,
  now: string,
): { events: StepEvents; bill: Bill } | null {
  const { costMicros, promptTokens, completionTokens } = calls
  if (!settlement) return { events: noEvents(), bill: billOf(costMicros, promptTokens, completionTokens) }
  const call = calls.openCalls.find((open) => open.callId === settlement.callId)
  if (!call) return null
  if (settlement.outcome === 'released')
    return { events: releasedCall(call, work), bill: billOf(costMicros, promptTokens, completionTokens) }

  const actualMicros = settlement.usage === 'unknown' ? call.reservedMicros : settlement.costMicros
  const paid = paidCost(
    { transferId: call.callId, amountMicros: actualMicros, reason: 'pays a model call', ref: workIdOf(work) },
    states,
    now,
  )
  return {
    events: {
      ...onWork(work, [endedCall(call, settlement, actualMicros)]),
      budgets: new Map(
        call.budgets.map((stream) => [
          stream,
          [
            debitOf(call, workIdOf(work), settlement, actualMicros),
            ...throttledBy(states.budgets.get(stream) ?? budget.initial, actualMicros, now),
          ],
        ]),
      ),
      ...paid,
    },
    bill: billOf(
      costMicros + actualMicros,
      promptTokens + settlement.promptTokens,
      completionTokens + settlement.completionTokens,
    ),
  }
}

const endedCall = (call: OpenCall, settlement: Settlement, costMicros: number): ModelCallEvent => {
  const { outcome, usage, promptTokens, completionTokens } = settlement
  return {
    type: 'ModelCallEnded',
    data: {
      callId: call.callId,
      outcome: outcome === 'released' ? 'failed' : outcome,
      usage,
      promptTokens,
      completionTokens,
      costMicros,
    },
  }
}

const debitOf = (
  { callId, model, phase, member }: OpenCall,
  requestId: string,
  { usage, promptTokens, cachedPromptTokens, completionTokens, priceRef }: Settlement,
  actualMicros: number,
): Extract<BudgetEvent, { type: 'BudgetDebited' }> => ({
  type: 'BudgetDebited',
  data: {
    callId,
    requestId,
    model,
    phase,
    member,
    usage,
    promptTokens,
    ...(cachedPromptTokens !== undefined && { cachedPromptTokens }),
    completionTokens,
    priceRef,
    actualMicros,
  },
})

/** The events of a call that never reached a model: it used nothing. */
function releasedCall({ callId, reservedMicros, budgets }: OpenCall, work: WorkStream): StepEvents {
  const released: BudgetEvent = {
    type: 'BudgetReleased',
    data: { callId, requestId: workIdOf(work), amountMicros: reservedMicros, reason: 'the call never reached a model' },
  }
  return {
    ...noEvents(),
    ...onWork(work, [
      {
        type: 'ModelCallEnded',
        data: { callId, outcome: 'failed', usage: 'reported', promptTokens: 0, completionTokens: 0, costMicros: 0 },
      },
    ]),
    budgets: new Map(budgets.map((stream) => [stream, [released]])),
  }
}

/** Caps token sums, so that an overflow cannot keep work open. The events of the calls have the exact numbers. */
const billOf = (costMicros: number, promptTokens: number, completionTokens: number): Bill => ({
  costMicros,
  tokens: {
    promptTokens: Math.min(promptTokens, maxTokenCount),
    completionTokens: Math.min(completionTokens, maxTokenCount),
  },
})

/**
 * The events that settle the call of a step. Refuses a step of an attempt that another one
 * has taken over from, so that a step is recorded, and paid for, once.
 */
export function settleStep(states: StepStates, work: WorkStream, step: WorkerStep, now: string): StepEvents | Refusal {
  const calls = callsOf(states, work, step.attempt)
  if (typeof calls === 'string') return refused(calls)
  const settled = settle(calls, work, step.settlement, states, now)
  return settled?.events ?? refused('call_not_open', { callId: step.settlement?.callId ?? '' })
}

/** What a command in an election reads of the worker's step that it records; nothing for a command that no worker gives. */
export const electionReads = (step: ElectionStep | undefined) =>
  step ? stepReads(step.work, step) : { ...workReads(null), ...noPayment }

/** The same as `settleStep`, for a step in an election. */
export const settleElectionStep = (
  states: StepStates,
  step: ElectionStep | undefined,
  now: string,
): StepEvents | Refusal => (step ? settleStep(states, step.work, step, now) : noEvents())
