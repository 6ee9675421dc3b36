import { DebitBudget } from '../commands/debit-budget.ts'
import { ReserveBudget } from '../commands/reserve-budget.ts'
import type { Settlement } from '../commands/settlement.ts'
import type { AnswerFailureCode } from '../events/chat.ts'
import { budgetStream } from '../events/identifiers.ts'
import { isoTime } from '../platform/clock.ts'
import { ModelError, type ChatMessage, type ModelErrorCode, type TokenUsage } from './models/model.ts'
import { costMicros, type Price } from './models/prices.ts'
import { executeFor, mustBeDone, type AgentDependencies, type Run, type StopReason } from './run.ts'

/** A reservation that nobody settled is free again after this; far beyond any answer. */
const reservationMs = 15 * 60_000
/** The likeliest word, always: the fast path answers and does not invent, and the same question has the same answer. */
const temperature = 0

export type CallRequest = {
  phase: string
  member: string
  messages: readonly ChatMessage[]
  /** Text that the answer already has; the model goes on behind it. */
  continueFrom: string
  onText: (text: string) => void
}

/** How a call ended. `text` is what this call added; the settlement says what it cost and must be recorded. */
export type CallOutcome = { text: string } & (
  | { kind: 'completed'; finishReason: 'stop' | 'length'; settlement: Settlement }
  | { kind: 'stopped'; reason: StopReason; settlement: Settlement }
  | { kind: 'failed'; code: AnswerFailureCode; message: string; settlement?: Settlement }
)

/**
 * One call to a model, paid for: reserves its upper bound in the council's budget of the day, streams, and returns
 * what there is to settle. Every outcome is a value; throws RunEnded when another attempt has taken over.
 */
export async function callModel(dependencies: AgentDependencies, run: Run, request: CallRequest): Promise<CallOutcome> {
  const { model, prices, clock, newId, answerMaxTokens } = dependencies
  try {
    const info = await model.info()
    const price = prices.of(info.model)
    const callId = newId()
    const now = clock.nowMs()
    const day = isoTime(now).slice(0, 10)
    const atMost = { promptTokens: model.promptTokensAtMost(request.messages, request.continueFrom), completionTokens: answerMaxTokens }
    const reserved = await executeFor(dependencies, run, ReserveBudget, {
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
      return { text: '', kind: 'failed', code: 'budget_exceeded', message: `the council's budget of the day is used up; it is whole again at ${String(reserved.details?.['nextDay'])}` }
    mustBeDone('ReserveBudget', reserved)
    return await stream(dependencies, run, request, { callId, budget: budgetStream('council', day), price })
  } catch (error) {
    if (error instanceof ModelError) return { text: '', kind: 'failed', code: failureCode(error.code), message: error.message }
    throw error
  }
}

type PaidCall = { callId: string; budget: Settlement['budget']; price: Price }

async function stream({ model, answerMaxTokens }: AgentDependencies, run: Run, request: CallRequest, paid: PaidCall): Promise<CallOutcome> {
  let text = ''
  let usage: TokenUsage | 'unknown' = 'unknown'
  try {
    const chunks = model.stream({
      messages: request.messages,
      continueFrom: request.continueFrom,
      maxTokens: answerMaxTokens,
      temperature,
      // Unique among calls in flight, and the request's own id wherever possible: servers log it, and refuse it twice.
      requestId: run.attempt === 1 ? run.requestId : `${run.requestId}-${run.attempt}`,
      ...(run.traceparent && { traceparent: run.traceparent }),
      signal: run.signal,
    })
    for await (const chunk of chunks) {
      switch (chunk.type) {
        case 'text':
          text += chunk.text
          request.onText(chunk.text)
          break
        case 'usage':
          usage = chunk.usage
          break
        case 'end':
          return { text, kind: 'completed', finishReason: chunk.finishReason, settlement: settlement(paid, 'completed', chunk.usage) }
        default:
          chunk satisfies never
      }
    }
    throw new ModelError('model_interrupted', 'the model ended its stream without a last chunk')
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    const used = error.usage === 'unknown' ? usage : error.usage
    if (error.code === 'model_cancelled') return { text, kind: 'stopped', reason: run.signal.reason as StopReason, settlement: settlement(paid, 'cancelled', used) }
    run.logger.warn({ code: error.code, err: error }, 'the model call failed')
    const outcome = neverReachedModel.has(error.code) && text === '' ? 'released' : 'failed'
    return { text, kind: 'failed', code: failureCode(error.code), message: error.message, settlement: settlement(paid, outcome, used) }
  }
}

/** Settles a call outside of a terminal command: one that goes on in another call. */
export async function settleCall(dependencies: AgentDependencies, run: Run, settled: Settlement): Promise<void> {
  mustBeDone('DebitBudget', await executeFor(dependencies, run, DebitBudget, { requestId: run.requestId, attempt: run.attempt, settlement: settled }))
}

/** A call whose end nobody saw: its usage is unknown, so it costs what was reserved for it. */
export const lostCall = (callId: string, budget: Settlement['budget'], price: Price): Settlement => settlement({ callId, budget, price }, 'lost', 'unknown')

function settlement({ callId, budget, price }: PaidCall, outcome: Settlement['outcome'], usage: TokenUsage | 'unknown'): Settlement {
  const unknown = usage === 'unknown'
  return {
    callId,
    budget,
    outcome,
    usage: unknown ? 'unknown' : 'reported',
    promptTokens: unknown ? 0 : usage.promptTokens,
    completionTokens: unknown ? 0 : usage.completionTokens,
    priceRef: price.priceRef,
    costMicros: unknown ? 0 : costMicros(price, usage),
  }
}

/** After these, nothing was computed for us: the reservation is given back. */
const neverReachedModel: ReadonlySet<ModelErrorCode> = new Set(['model_unavailable', 'model_overloaded', 'model_unauthorized', 'model_unknown', 'model_rejected', 'prompt_too_long'])

function failureCode(code: ModelErrorCode): AnswerFailureCode {
  if (code === 'model_interrupted') return 'interrupted'
  if (code === 'model_cancelled') return 'internal'
  return code
}
