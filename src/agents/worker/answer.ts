import type { OpenChat } from '../../commands/aggregates/chat.ts'
import type { CommandResult } from '../../commands/gate/types.ts'
import type { SensedConversation } from '../../events/chat.ts'
import type { PromptInConversation } from '../../projections/chats.ts'
import { answerText } from './answer-text.ts'
import { lostCall, settleCall, type CallOutcome } from '../model-call.ts'
import type { Orchestrator } from '../council/orchestrator.ts'
import { recordEnding, type Ending } from './record-ending.ts'
import type { AgentDependencies, Run } from '../run.ts'
import { tokenBatcher } from '../tokens/token-batcher.ts'
import type { TokenPage } from '../tokens/token-stream.ts'

export type AnswerDependencies = AgentDependencies & {
  orchestrate: Orchestrator
  /** The token stream of a request as it is now. */
  readTokens: (requestId: Run['requestId']) => Promise<TokenPage>
}

/** An attempt that has begun: the run, and what the log knew of the prompt before it. */
export type Attempt = {
  run: Run
  question: string
  /** Where the prompt is in its conversation; null where it names none. */
  conversation: PromptInConversation | null
  /** What an earlier attempt recorded of the conversation. */
  sensed: SensedConversation | null
  /** The prompt as it was before this attempt. */
  before: OpenChat
  /** The entry of its job on the work stream, as it is now. */
  job: () => string
  /** Ends the run from within: a newer attempt speaks. */
  supersede: () => void
}

/**
 * Brings one attempt to its end: takes over what an earlier one left, answers, and records exactly one terminal event.
 * Returns the terminal command's result, or null when the prompt was left to another attempt.
 */
export async function answerPrompt(dependencies: AnswerDependencies, attempt: Attempt): Promise<CommandResult | null> {
  const { run, before } = attempt
  const begun = await dependencies.writeTokens(run.requestId, run.attempt, 0, '')
  if (begun === 'superseded') return null

  const found = await takeOver(dependencies, attempt)
  if (found.kind === 'ends') return recordEnding(dependencies, run, attempt.job, found.ending)
  const { tokens } = found

  let firstTextAtMs = tokens.firstTextAtMs
  let offset = tokens.text.length
  const batcher = tokenBatcher(
    async (text) => {
      const outcome = await dependencies.writeTokens(run.requestId, run.attempt, offset, text)
      offset += text.length
      return outcome
    },
    (outcome) => {
      if (outcome === 'superseded') attempt.supersede()
      else run.logger.warn('the token stream is lost; readers get the rest of the answer when it is done')
    },
  )
  const answer = answerText(tokens.text, (text) => {
    firstTextAtMs ??= dependencies.clock.nowMs()
    batcher.add(text)
  })

  const { question, conversation, sensed } = attempt
  const recorded = before.path === 'fast' ? { path: before.path, sensed } : null
  const outcome = await dependencies.orchestrate({ run, answer, question, conversation, recorded })
  // A process that ends waits for the token stream only a moment: what it never held, no client has seen.
  await (run.signal.reason === 'shutdown'
    ? Promise.race([batcher.flush(), dependencies.pause(flushOnShutdownMs)])
    : batcher.flush())
  const ending = endingOf(outcome, answer.soFar(), firstTextAtMs)
  if (ending) return recordEnding(dependencies, run, attempt.job, ending)
  // An orderly stop pays for what it used and leaves the prompt; a superseded worker may not say anything any more.
  if (outcome.kind === 'stopped' && outcome.reason === 'shutdown')
    await settleCall(dependencies, run, outcome.settlement)
  return null
}

const flushOnShutdownMs = 500

type TakenOver = { kind: 'goes_on'; tokens: TokenPage } | { kind: 'ends'; ending: Ending }

const nothingYet: TokenPage = { text: '', endOffset: 0, begun: [], firstTextAtMs: null, lastId: '0-0' }

/** Settles what a dead worker left open, and finds the text that clients may have seen. */
async function takeOver(dependencies: AnswerDependencies, attempt: Attempt): Promise<TakenOver> {
  const { run, before } = attempt
  if (before.attempt === 0) return { kind: 'goes_on', tokens: nothingYet }
  run.logger.info({ earlierAttempts: before.attempt, openCalls: before.openCalls.length }, 'taking over')
  await settleOpenCalls(dependencies, attempt)
  const tokens = await dependencies.readTokens(run.requestId).catch(() => nothingYet)
  const { text, firstTextAtMs } = tokens
  if (before.cancelRequested) return { kind: 'ends', ending: { kind: 'cancelled', text, firstTextAtMs } }

  // Every attempt marks the token stream before it calls a model. Where the mark of one that called is missing, the
  // stream is not what clients saw, and a new text would contradict it.
  if (before.calledInAttempt > 0 && !tokens.begun.includes(before.calledInAttempt)) {
    const message = 'the worker died and the text streamed so far is lost; ask again'
    return { kind: 'ends', ending: { kind: 'failed', code: 'interrupted', message, text, firstTextAtMs: null } }
  }
  return { kind: 'goes_on', tokens }
}

async function settleOpenCalls(dependencies: AnswerDependencies, { run, before }: Attempt): Promise<void> {
  for (const { callId, budgets, model } of before.openCalls)
    if (budgets[0]) await settleCall(dependencies, run, lostCall(callId, budgets[0], dependencies.prices.of(model)))
}

/** How the answer ends after what came of the model; null where this attempt does not end it. */
function endingOf(outcome: CallOutcome, text: string, firstTextAtMs: number | null): Ending | null {
  const common = { text, firstTextAtMs, ...(outcome.settlement && { settlement: outcome.settlement }) }
  switch (outcome.kind) {
    case 'completed':
      return { ...common, kind: 'completed', finishReason: outcome.finishReason, degraded: outcome.degraded }
    case 'failed':
      return { ...common, kind: 'failed', code: outcome.code, message: outcome.message }
    case 'stopped':
      if (outcome.reason === 'cancelled') return { ...common, kind: 'cancelled' }
      if (outcome.reason === 'out_of_time')
        return {
          ...common,
          kind: 'failed',
          code: 'model_timeout',
          message: 'the answer took longer than ANSWER_TIMEOUT_MS and was cut off',
        }
      return null
    default:
      return outcome satisfies never
  }
}

/** Ends a prompt whose attempts are used up: everything that worked on it died. A prompt that was cancelled meanwhile is cancelled. */
export async function giveUp(dependencies: AnswerDependencies, attempt: Attempt): Promise<CommandResult> {
  const { run, before } = attempt
  await settleOpenCalls(dependencies, attempt)
  const { text, firstTextAtMs } = await dependencies.readTokens(run.requestId).catch(() => nothingYet)
  const ending: Ending = before.cancelRequested
    ? { kind: 'cancelled', text, firstTextAtMs }
    : {
        kind: 'failed',
        code: 'crashed',
        message: `${before.attempt} workers died while answering; ask again`,
        text,
        firstTextAtMs,
      }
  return recordEnding(dependencies, run, attempt.job, ending)
}
