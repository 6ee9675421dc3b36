/** Paid model calls: reservation, stream and settlement. */

import { DebitBudget } from '../commands/budget/debit-budget.ts'
import { ReserveBudget } from '../commands/budget/reserve-budget.ts'
import type { Settlement } from '../commands/budget/settlement.ts'
import { isAnsweringPhase, type AnswerFailureCode } from '../events/chat.ts'
import type { CommandResult } from '../commands/gate/types.ts'
import type { OpenCall } from '../commands/paid-calls.ts'
import { isoTime } from '../platform/clock.ts'
import { budgetStream, type BudgetStream } from '../events/budget.ts'
import { chargedScopes } from './budgets.ts'
import type { BudgetScope } from '../events/policy.ts'
import type { AnswerText } from './worker/answer-text.ts'
import {
  ModelError,
  type ChatMessage,
  type ModelChunk,
  type ModelClient,
  type ModelErrorCode,
  type OutputConstraint,
  type TokenUsage,
} from './models/model.ts'
import { costMicros, type Price } from './models/prices.ts'
import { reportHardLimit } from './report-hard-limit.ts'
import {
  executeUntilKnown,
  assertAppended,
  type AgentDependencies,
  type CutReason,
  type DeadlineReason,
  type Run,
  type StopReason,
} from './run.ts'
import { usageMeter, type MeteredUsage, type UsageMeter } from './usage-meter.ts'

/** A reservation that was never settled expires after this time; longer than ANSWER_TIMEOUT_MS. */
const reservationMs = 15 * 60_000

export type CallRequest = {
  phase: string
  member: string
  model: ModelClient
  messages: readonly ChatMessage[]
  maxTokens: number
  temperature: number
  /** The only texts that the model may write. */
  constraint?: OutputConstraint
  /** The text so far. The model continues it, and the text that the model sends is added to it. */
  text: AnswerText
  /** Ends the call before the attempt's own deadline. */
  limit?: AbortSignal
}

/** How a call ended. The caller must record the settlement, which says what the call cost. */
export type CallOutcome =
  | { kind: 'completed'; finishReason: 'stop' | 'length'; degraded: boolean; settlement?: Settlement }
  | { kind: 'stopped'; reason: CutReason; settlement?: Settlement }
  | FailedCall
export type FailedCall = {
  kind: 'failed'
  code: AnswerFailureCode
  message: string
  settlement?: Settlement
  /** The day's budget that is used up, if its policy is to ask a person; and what the calls would have reserved. */
  exceeds?: ExceededBudget
}
export type ExceededBudget = { budget: BudgetStream; amountMicros: number }

/**
 * Makes one paid model call: reserves its upper bound in the council's budget of the day, streams, and returns the settlement.
 * Every outcome is a value; throws RunEnded when another attempt has taken over.
 */
export async function callModel(dependencies: AgentDependencies, run: Run, request: CallRequest): Promise<CallOutcome> {
  // An earlier attempt filled the text and died before it recorded the ending.
  if (request.text.isFull()) return { kind: 'completed', finishReason: 'length', degraded: false }
  const [call] = await reserveCalls(dependencies, run, [request])
  if (!call) throw new Error('a request without a call')
  return 'kind' in call ? call : streamCall(run, call)
}

/** A call whose money is reserved. */
export type ReservedCall = { callId: string; budgets: BudgetStream[] } & Priced
type Priced = { request: CallRequest; name: string; price: Price; atMost: TokenUsage }

/**
 * Reserves the upper bounds of calls that will run side by side, in one append: all of them, or none if a budget of the day cannot
 * cover them. Returns one entry for each request, in order; a call whose model is not available fails alone.
 */
export async function reserveCalls(
  dependencies: AgentDependencies,
  run: Run,
  requests: readonly CallRequest[],
): Promise<(ReservedCall | FailedCall)[]> {
  const priced = await Promise.all(requests.map((request) => priceOf(dependencies, request)))
  const callIds = requests.map(() => dependencies.newId())
  for (let asked = 1; ; asked++) {
    const scopes = await chargedScopes(dependencies, run.asker)
    const budgets = scopes.flatMap(({ scope, day }) => (day === null ? [] : [budgetStream(scope, day)]))
    const calls = priced.map((found, index): ReservedCall | FailedCall =>
      'kind' in found ? found : { ...found, callId: callIds[index] ?? '', budgets },
    )
    const admitted = calls.filter((call): call is ReservedCall => !('kind' in call))
    if (admitted.length === 0) return calls
    const result = await reserve(dependencies, run, scopes, admitted)
    // The day ended, or a policy changed, since this worker looked.
    if (result.result === 'refused' && result.code === 'budget_day_over' && asked < maxDaysAsked) continue
    if (result.result === 'refused' && result.code === 'budget_exceeded')
      await reportHardLimit(dependencies, run, scopes, result)
    const failure = refusedCall(result, scopes)
    if (failure) return requests.map(() => failure)
    assertAppended('ReserveBudget', result)
    return calls
  }
}

const maxDaysAsked = 3

const reserve = (
  dependencies: AgentDependencies,
  run: Run,
  scopes: readonly { scope: BudgetScope; day: string | null }[],
  calls: readonly ReservedCall[],
): Promise<CommandResult> =>
  executeUntilKnown(dependencies, run, ReserveBudget, {
    scopes: scopes.map(({ scope, day }) => ({ scope, day })),
    work: run.work,
    attempt: run.attempt,
    calls: calls.map(({ request, callId, name, price, atMost }) => ({
      callId,
      phase: request.phase,
      member: request.member,
      model: name,
      amountMicros: costMicros(price, atMost),
    })),
    expiresAt: isoTime(dependencies.clock.nowMs() + reservationMs),
  })

/** What a refusal to spend means for the calls; null for any other result. */
function refusedCall(
  result: CommandResult,
  scopes: readonly { scope: BudgetScope; day: string | null }[],
): FailedCall | null {
  if (result.result !== 'refused') return null
  if (result.code === 'budget_exceeded') {
    const { scope, nextDay, onExceed, amountMicros } = result.details ?? {}
    const message = `the budget of the day is used up (${String(scope)}); the next one begins at ${String(nextDay)}`
    const exceeded = scopes.find((charged) => charged.scope === scope)
    const exceeds = onExceed === 'pause' &&
      exceeded &&
      exceeded.day !== null && {
        exceeds: { budget: budgetStream(exceeded.scope, exceeded.day), amountMicros: Number(amountMicros) },
      }
    return { kind: 'failed', code: 'budget_exceeded', message, ...exceeds }
  }
  if (result.code === 'treasury_frozen' || result.code === 'account_frozen')
    return { kind: 'failed', code: 'treasury_frozen', message: frozenMessage }
  return null
}

/** What an answer says that the emergency stop has ended or prevented. */
export const frozenMessage = 'the treasury is frozen: nothing is spent until it is unfrozen'

/** The price and the upper bound of a call; a failure while its model is not available. */
async function priceOf({ prices, clock }: AgentDependencies, request: CallRequest): Promise<Priced | FailedCall> {
  const { model, messages, text, maxTokens } = request
  try {
    const { model: name } = await model.info()
    const promptTokens = model.promptTokensAtMost(messages, text.soFar())
    const price = prices.of(name, clock.nowMs())
    if (!price) return { kind: 'failed', code: 'model_unpriced', message: unpricedMessage(name) }
    return { request, name, price, atMost: { promptTokens, completionTokens: maxTokens } }
  } catch (error) {
    if (error instanceof ModelError) return { kind: 'failed', code: failureCode(error.code), message: error.message }
    throw error
  }
}

const unpricedMessage = (model: string): string =>
  `the model ${model} has no price, so it is not called: add one to PRICES_FILE`

/** Streams a reserved call into its text. */
export async function streamCall(run: Run, call: ReservedCall): Promise<CallOutcome> {
  const { request, atMost } = call
  const { model, messages, text, maxTokens, temperature, constraint, limit } = request
  const meter = usageMeter(atMost)
  let hasBegun = false
  try {
    const chunks = model.stream({
      messages,
      continueFrom: text.soFar(),
      maxTokens,
      temperature,
      ...(constraint && { constraint }),
      requestId: modelRequestId(run, request),
      ...(run.traceparent && { traceparent: run.traceparent }),
      signal: AbortSignal.any([run.signal, run.deadline, ...(limit ? [limit] : [])]),
    })
    const end = await readChunks(chunks, text, meter, () => (hasBegun = true))
    return { kind: 'completed', ...end, settlement: settlement(call, 'completed', meter.result()) }
  } catch (error) {
    return failedCall(run, error, call, meter.result(), hasBegun)
  }
}

/** The call that answers has the request's own id, because servers log it. The ids of calls in flight differ: servers reject duplicates. */
const modelRequestId = ({ requestId, attempt }: Run, { phase, member }: CallRequest): string =>
  [requestId, ...(attempt > 1 ? [attempt] : []), ...(isAnsweringPhase(phase) ? [] : [phase, member])].join('-')

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
function failedCall(run: Run, error: unknown, paid: ReservedCall, used: MeteredUsage, hasBegun: boolean): CallOutcome {
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

const cutReasonOf = ({ signal, deadline }: Run): CutReason => {
  if (signal.aborted) return signal.reason as StopReason
  return deadline.reason === ('treasury_frozen' satisfies DeadlineReason) ? 'treasury_frozen' : 'out_of_time'
}

/** Settles a call without a terminal command: another call or another attempt continues the work. */
export async function settleCall(dependencies: AgentDependencies, run: Run, settled: Settlement): Promise<void> {
  assertAppended(
    'DebitBudget',
    await executeUntilKnown(dependencies, run, DebitBudget, {
      work: run.work,
      attempt: run.attempt,
      settlement: settled,
    }),
  )
}

const unknownUsage: MeteredUsage = { source: 'unknown', promptTokens: 0, completionTokens: 0 }

/** The settlement of a call whose end is unknown. Its usage is unknown too, so it costs its reservation. */
export const lostCall = (callId: string, budgets: BudgetStream[], price: Price | null): Settlement =>
  settlement({ callId, budgets, price }, 'lost', unknownUsage)

/** Settles calls whose end is unknown. */
export async function settleLostCalls(
  dependencies: AgentDependencies,
  run: Run,
  openCalls: readonly OpenCall[],
): Promise<void> {
  for (const { callId, budgets, model } of openCalls)
    await settleCall(
      dependencies,
      run,
      lostCall(callId, budgets, dependencies.prices.of(model, dependencies.clock.nowMs())),
    )
}

/** The same settlement charged at the reservation, for figures that the log rejects. */
export const withoutFigures = (settled: Settlement): Settlement => ({
  ...settled,
  usage: 'unknown',
  promptTokens: 0,
  cachedPromptTokens: undefined,
  completionTokens: 0,
  costMicros: 0,
})

const settlement = (
  { callId, budgets, price }: Pick<ReservedCall, 'callId' | 'budgets'> & { price: Price | null },
  outcome: Settlement['outcome'],
  { source, ...usage }: MeteredUsage,
): Settlement => ({
  callId,
  budgets,
  outcome,
  usage: source,
  ...usage,
  // A lost call costs its reservation, whatever the prices say by now.
  priceRef: price?.priceRef ?? 'none',
  costMicros: source === 'unknown' || !price ? 0 : costMicros(price, usage),
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
