/** One paid model call: reservation, stream and settlement. */

import { budgetStream } from '../events/budget.ts'
import { dayOf } from '../events/day.ts'
import type { OpenCall } from '../commands/aggregates/chat.ts'
import { DebitBudget } from '../commands/budget/debit-budget.ts'
import { ReserveBudget } from '../commands/budget/reserve-budget.ts'
import type { Settlement } from '../commands/budget/settlement.ts'
import type { AnswerFailureCode } from '../events/chat.ts'
import { isoTime } from '../platform/clock.ts'
import type { AnswerText } from './worker/answer-text.ts'
import { ModelError, type ChatMessage, type ModelChunk, type ModelErrorCode } from './models/model.ts'
import { costMicros, type Price } from './models/prices.ts'
import { executeUntilKnown, assertAppended, type AgentDependencies, type CutReason, type Run } from './run.ts'
import { usageMeter, type MeteredUsage, type UsageMeter } from './usage-meter.ts'

/** A reservation that was never settled expires after this time; longer than ANSWER_TIMEOUT_MS. */
const reservationMs = 15 * 60_000
/** Greedy decoding: the fast path does not vary its answers, and the same question gets the same answer. */
const temperature = 0

export type CallRequest = {
  phase: string
  member: string
  messages: readonly ChatMessage[]
  /** The answer so far. The model continues it, and the text that the model sends is added to it. */
  answer: AnswerText
}

/** How a call ended. The caller must record the settlement, which says what the call cost. */
export type CallOutcome =
  | { kind: 'completed'; finishReason: 'stop' | 'length'; degraded: boolean; settlement?: Settlement }
  | { kind: 'stopped'; reason: CutReason; settlement: Settlement }
  | { kind: 'failed'; code: AnswerFailureCode; message: string; settlement?: Settlement }

/**
 * Makes one paid model call: reserves its upper bound in the council's budget of the day, streams, and returns the settlement.
 * Every outcome is a value; throws RunEnded when another attempt has taken over.
 */
export async function callModel(dependencies: AgentDependencies, run: Run, request: CallRequest): Promise<CallOutcome> {
  const { model, prices, answerMaxTokens } = dependencies
  // An earlier attempt filled the answer and died before it recorded the ending.
  if (request.answer.isFull()) return { kind: 'completed', finishReason: 'length', degraded: false }
  try {
    const { model: name } = await model.info()
    const price = prices.of(name)
    const atMost = {
      promptTokens: model.promptTokensAtMost(request.messages, request.answer.soFar()),
      completionTokens: answerMaxTokens,
    }
    const reserved = await reserve(dependencies, run, request, name, costMicros(price, atMost))
    if ('kind' in reserved) return reserved
    return await stream(dependencies, run, request, { ...reserved, price }, usageMeter(atMost))
  } catch (error) {
    if (error instanceof ModelError) return { kind: 'failed', code: failureCode(error.code), message: error.message }
    throw error
  }
}

type PaidCall = { callId: string; budget: Settlement['budget']; price: Price }

/** Reserves the amount; returns the failure when the budget of the day cannot cover it. */
async function reserve(
  dependencies: AgentDependencies,
  run: Run,
  { phase, member }: CallRequest,
  model: string,
  amountMicros: number,
): Promise<Omit<PaidCall, 'price'> | Extract<CallOutcome, { kind: 'failed' }>> {
  const callId = dependencies.newId()
  const now = dependencies.clock.nowMs()
  const day = dayOf(isoTime(now))
  const reserved = await executeUntilKnown(dependencies, run, ReserveBudget, {
    scope: 'council',
    day,
    callId,
    requestId: run.requestId,
    attempt: run.attempt,
    phase,
    member,
    model,
    amountMicros,
    expiresAt: isoTime(now + reservationMs),
  })
  if (reserved.result === 'refused' && reserved.code === 'budget_exceeded')
    return {
      kind: 'failed',
      code: 'budget_exceeded',
      message: `the council's budget of the day is used up; the next budget begins at ${String(reserved.details?.['nextDay'])}`,
    }
  assertAppended('ReserveBudget', reserved)
  return { callId, budget: budgetStream('council', day) }
}

async function stream(
  { model, answerMaxTokens }: AgentDependencies,
  run: Run,
  { messages, answer }: CallRequest,
  paid: PaidCall,
  meter: UsageMeter,
): Promise<CallOutcome> {
  let hasBegun = false
  try {
    const chunks = model.stream({
      messages,
      continueFrom: answer.soFar(),
      maxTokens: answerMaxTokens,
      temperature,
      // Unique among calls in flight, because servers reject a duplicate; otherwise the request's own id, because servers log it.
      requestId: run.attempt === 1 ? run.requestId : `${run.requestId}-${run.attempt}`,
      ...(run.traceparent && { traceparent: run.traceparent }),
      signal: AbortSignal.any([run.signal, run.deadline]),
    })
    const end = await readChunks(chunks, answer, meter, () => (hasBegun = true))
    return { kind: 'completed', ...end, settlement: settlement(paid, 'completed', meter.result()) }
  } catch (error) {
    return failedCall(run, error, paid, meter.result(), hasBegun)
  }
}

/** Reads the stream until the answer ends or is full. Returning early closes the model's socket. */
async function readChunks(
  chunks: AsyncIterable<ModelChunk>,
  answer: AnswerText,
  meter: UsageMeter,
  onChunk: () => void,
): Promise<{ finishReason: 'stop' | 'length'; degraded: boolean }> {
  for await (const chunk of chunks) {
    onChunk()
    switch (chunk.type) {
      case 'text':
        meter.produced(chunk.text)
        answer.add(chunk.text)
        if (answer.isFull()) return { finishReason: 'length', degraded: false }
        break
      case 'reasoning':
        meter.produced(chunk.text)
        break
      case 'usage':
        meter.report(chunk.usage)
        break
      case 'end':
        answer.finish()
        if (answer.soFar() !== '') return { finishReason: chunk.finishReason, degraded: chunk.degraded }
        throw new ModelError(
          'empty_answer',
          'The model finished without writing an answer. Ask again, or ask differently.',
        )
      default:
        chunk satisfies never
    }
  }
  throw new ModelError('model_interrupted', 'the model ended its stream without a last chunk')
}

/** The outcome of a call whose stream threw. */
function failedCall(run: Run, error: unknown, paid: PaidCall, used: MeteredUsage, hasBegun: boolean): CallOutcome {
  if (!(error instanceof ModelError)) {
    run.logger.error({ err: error }, 'the model client violated its contract')
    return {
      kind: 'failed',
      code: 'internal',
      message: 'the model client failed in a way that its contract rules out',
      settlement: settlement(paid, 'failed', used),
    }
  }
  if (error.code === 'model_cancelled')
    return {
      kind: 'stopped',
      reason: cutReasonOf(run),
      settlement: settlement(paid, error.neverSent ? 'released' : 'cancelled', used),
    }
  run.logger.warn({ code: error.code, err: error }, 'the model call failed')
  const wasComputed = hasBegun || !neverReachedModel.has(error.code)
  return {
    kind: 'failed',
    code: failureCode(error.code),
    message: error.message,
    settlement: settlement(paid, wasComputed ? 'failed' : 'released', used),
  }
}

const cutReasonOf = ({ signal }: Run): CutReason => (signal.aborted ? (signal.reason as CutReason) : 'out_of_time')

/** Settles a call without a terminal command: another call or another attempt continues the answer. */
export async function settleCall(dependencies: AgentDependencies, run: Run, settled: Settlement): Promise<void> {
  assertAppended(
    'DebitBudget',
    await executeUntilKnown(dependencies, run, DebitBudget, {
      requestId: run.requestId,
      attempt: run.attempt,
      settlement: settled,
    }),
  )
}

const unknownUsage: MeteredUsage = { source: 'unknown', promptTokens: 0, completionTokens: 0 }

/** The settlement of a call whose end is unknown. Its usage is unknown too, so it costs its reservation. */
export const lostCall = (callId: string, budget: Settlement['budget'], price: Price): Settlement =>
  settlement({ callId, budget, price }, 'lost', unknownUsage)

/** Settles calls whose end is unknown. */
export async function settleLostCalls(
  dependencies: AgentDependencies,
  run: Run,
  openCalls: readonly OpenCall[],
): Promise<void> {
  for (const { callId, budgets, model } of openCalls)
    if (budgets[0]) await settleCall(dependencies, run, lostCall(callId, budgets[0], dependencies.prices.of(model)))
}

/** The same settlement charged at the reservation, for figures that the log rejects. */
export const withoutFigures = (settled: Settlement): Settlement => ({
  ...settled,
  usage: 'unknown',
  promptTokens: 0,
  completionTokens: 0,
  costMicros: 0,
})

const settlement = (
  { callId, budget, price }: PaidCall,
  outcome: Settlement['outcome'],
  { source, promptTokens, completionTokens }: MeteredUsage,
): Settlement => ({
  callId,
  budget,
  outcome,
  usage: source,
  promptTokens,
  completionTokens,
  priceRef: price.priceRef,
  costMicros: source === 'unknown' ? 0 : costMicros(price, { promptTokens, completionTokens }),
})

/** After these errors the model has computed nothing, so the reservation is released. */
const neverReachedModel: ReadonlySet<ModelErrorCode> = new Set([
  'model_unavailable',
  'model_overloaded',
  'model_unauthorized',
  'model_unknown',
  'model_rejected',
  'prompt_too_long',
])

function failureCode(code: ModelErrorCode): AnswerFailureCode {
  if (code === 'model_interrupted') return 'interrupted'
  if (code === 'model_cancelled') return 'internal'
  return code
}
