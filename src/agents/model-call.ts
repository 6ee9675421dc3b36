import { budgetStream } from '../events/budget.ts'
import { DebitBudget } from '../commands/budget/debit-budget.ts'
import { ReserveBudget } from '../commands/budget/reserve-budget.ts'
import type { Settlement } from '../commands/budget/settlement.ts'
import type { AnswerFailureCode } from '../events/chat.ts'
import { isoTime } from '../platform/clock.ts'
import type { AnswerText } from './worker/answer-text.ts'
import { ModelError, type ChatMessage, type ModelErrorCode } from './models/model.ts'
import { costMicros, type Price } from './models/prices.ts'
import { executeUntilKnown, assertAppended, type AgentDependencies, type CutReason, type Run } from './run.ts'
import { usageMeter, type MeteredUsage, type UsageMeter } from './usage-meter.ts'

/** An open reservation is free again after this; beyond ANSWER_TIMEOUT_MS. */
const reservationMs = 15 * 60_000
/** The likeliest word, always: the fast path answers and does not invent, and the same question has the same answer. */
const temperature = 0

export type CallRequest = {
  phase: string
  member: string
  messages: readonly ChatMessage[]
  /** The answer as far as it goes: the model continues it, and what the model sends is added to it. */
  answer: AnswerText
}

/** How a call ended. The settlement says what it cost and must be recorded. */
export type CallOutcome =
  | { kind: 'completed'; finishReason: 'stop' | 'length'; degraded: boolean; settlement?: Settlement }
  | { kind: 'stopped'; reason: CutReason; settlement: Settlement }
  | { kind: 'failed'; code: AnswerFailureCode; message: string; settlement?: Settlement }

/**
 * One call to a model, paid for: reserves its upper bound in the council's budget of the day, streams, and returns
 * what there is to settle. Every outcome is a value; throws RunEnded when another attempt has taken over.
 */
export async function callModel(dependencies: AgentDependencies, run: Run, request: CallRequest): Promise<CallOutcome> {
  const { model, prices, clock, newId, answerMaxTokens } = dependencies
  // An earlier attempt filled it up and died before it could say so.
  if (request.answer.isFull()) return { kind: 'completed', finishReason: 'length', degraded: false }
  try {
    const info = await model.info()
    const price = prices.of(info.model)
    const callId = newId()
    const now = clock.nowMs()
    const day = isoTime(now).slice(0, 10)
    const atMost = {
      promptTokens: model.promptTokensAtMost(request.messages, request.answer.soFar()),
      completionTokens: answerMaxTokens,
    }
    const reserved = await executeUntilKnown(dependencies, run, ReserveBudget, {
      scope: 'council',
      day,
      callId,
      requestId: run.requestId,
      attempt: run.attempt,
      phase: request.phase,
      member: request.member,
      model: info.model,
      amountMicros: costMicros(price, atMost),
      expiresAt: isoTime(now + reservationMs),
    })
    if (reserved.result === 'refused' && reserved.code === 'budget_exceeded')
      return {
        kind: 'failed',
        code: 'budget_exceeded',
        message: `the council's budget of the day is used up; it is whole again at ${String(reserved.details?.['nextDay'])}`,
      }
    assertAppended('ReserveBudget', reserved)
    return await stream(
      dependencies,
      run,
      request,
      { callId, budget: budgetStream('council', day), price },
      usageMeter(atMost),
    )
  } catch (error) {
    if (error instanceof ModelError) return { kind: 'failed', code: failureCode(error.code), message: error.message }
    throw error
  }
}

type PaidCall = { callId: string; budget: Settlement['budget']; price: Price }

async function stream(
  { model, answerMaxTokens }: AgentDependencies,
  run: Run,
  { messages, answer }: CallRequest,
  paid: PaidCall,
  meter: UsageMeter,
): Promise<CallOutcome> {
  const completed = (finishReason: 'stop' | 'length', degraded: boolean): CallOutcome => ({
    kind: 'completed',
    finishReason,
    degraded,
    settlement: settlement(paid, 'completed', meter.result()),
  })
  let isBegun = false
  try {
    const chunks = model.stream({
      messages,
      continueFrom: answer.soFar(),
      maxTokens: answerMaxTokens,
      temperature,
      // Unique among calls in flight, and the request's own id wherever possible: servers log it, and refuse it twice.
      requestId: run.attempt === 1 ? run.requestId : `${run.requestId}-${run.attempt}`,
      ...(run.traceparent && { traceparent: run.traceparent }),
      signal: AbortSignal.any([run.signal, run.deadline]),
    })
    for await (const chunk of chunks) {
      isBegun = true
      switch (chunk.type) {
        case 'text':
          meter.produced(chunk.text)
          answer.add(chunk.text)
          // Leaving the stream here closes the model's socket.
          if (answer.isFull()) return completed('length', false)
          break
        case 'reasoning':
          meter.produced(chunk.text)
          break
        case 'usage':
          meter.report(chunk.usage)
          break
        case 'end':
          answer.finish()
          if (answer.soFar() === '')
            throw new ModelError(
              'empty_answer',
              'The model finished without a word of an answer. Ask again, or ask differently.',
            )
          return completed(chunk.finishReason, chunk.degraded)
        default:
          chunk satisfies never
      }
    }
    throw new ModelError('model_interrupted', 'the model ended its stream without a last chunk')
  } catch (error) {
    const used = meter.result()
    if (error instanceof ModelError && error.code === 'model_cancelled')
      return {
        kind: 'stopped',
        reason: cutReasonOf(run),
        settlement: settlement(paid, error.neverSent ? 'released' : 'cancelled', used),
      }
    if (!(error instanceof ModelError)) {
      run.logger.error({ err: error }, 'the model client broke its promise')
      return {
        kind: 'failed',
        code: 'internal',
        message: 'the model client failed in a way that it must not',
        settlement: settlement(paid, 'failed', used),
      }
    }
    run.logger.warn({ code: error.code, err: error }, 'the model call failed')
    const outcome = neverReachedModel.has(error.code) && !isBegun ? 'released' : 'failed'
    return {
      kind: 'failed',
      code: failureCode(error.code),
      message: error.message,
      settlement: settlement(paid, outcome, used),
    }
  }
}

const cutReasonOf = ({ signal }: Run): CutReason => (signal.aborted ? (signal.reason as CutReason) : 'out_of_time')

/** Settles a call outside of a terminal command: one that goes on in another call. */
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

/** A call whose end is not known: its usage is unknown, so it costs what was reserved for it. */
export const lostCall = (callId: string, budget: Settlement['budget'], price: Price): Settlement =>
  settlement({ callId, budget, price }, 'lost', unknownUsage)

/** The same settlement at the reservation, for a bill that cannot be written. */
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

/** After these, nothing was computed for us: the reservation is given back. */
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
