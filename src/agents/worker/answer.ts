/** One attempt at an answer: takeover, model calls, and the ending. */

import type { OpenChat } from '../../commands/aggregates/chat.ts'
import type { CommandResult } from '../../commands/gate/types.ts'
import type { DegradedReason } from '../../events/chat.ts'
import type { Position } from '../../events/identifiers.ts'
import { answerText, type AnswerText } from './answer-text.ts'
import { frozenMessage, settleCall, settleLostCalls, type CallOutcome } from '../model-call.ts'
import type { PauseRequest } from '../council/await-person.ts'
import type { AskedConversation } from '../council/conversation.ts'
import type { Orchestrator } from '../council/orchestrator.ts'
import type { Progress } from '../council/progress.ts'
import { recordEnding, type Ending } from './record-ending.ts'
import type { AgentDependencies, Run } from '../run.ts'
import { tokenBatcher } from '../tokens/token-batcher.ts'
import type { TokenPage } from '../tokens/token-stream.ts'

export type AnswerDependencies = AgentDependencies & {
  orchestrate: Orchestrator
  /** Reads the current token stream of a request. */
  readTokens: (requestId: Run['requestId']) => Promise<TokenPage>
}

/** An attempt that has started: the run, and the state of the prompt before it. */
export type Attempt = {
  run: Run
  question: string
  /** The position of its `PromptSubmitted`. */
  promptPosition: Position
  /** The prompt's conversation; null if it has none. */
  conversation: AskedConversation | null
  /** The path that the user asked for. */
  requestedPath: 'fast' | 'full' | 'action' | null
  /** What earlier attempts recorded. */
  progress: Progress
  /** The state of the prompt before this attempt. */
  before: OpenChat
  /** The current entry of its job on the work stream. */
  job: () => string
  /** Stops the run because a newer attempt has started. */
  supersede: () => void
}

/**
 * Runs one attempt: takes over from an earlier one, answers, and records exactly one terminal event. Returns the result of the
 * terminal command, or null when it leaves the prompt to another attempt.
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
      else run.logger.warn('the token stream is lost; readers get the rest of the answer when it is complete')
    },
  )
  const answer = answerText(tokens.text, (text) => {
    firstTextAtMs ??= dependencies.clock.nowMs()
    batcher.add(text)
  })

  const { question, requestedPath, conversation, progress } = attempt
  if (before.isHeld) answer.withhold()
  const { outcome, reasons, pause } = await dependencies.orchestrate({
    run,
    answer,
    question,
    requestedPath,
    conversation,
    progress,
  })
  // A process that shuts down waits only briefly for the token stream: text that is not in it was seen by no client.
  await (run.signal.reason === 'shutdown'
    ? Promise.race([batcher.flush(), dependencies.pause(flushOnShutdownMs)])
    : batcher.flush())
  const ending =
    pause === null
      ? endingOf(outcome, reasons, answer, firstTextAtMs)
      : waiting(dependencies, attempt, pause, { outcome, reasons, answer })
  if (ending) return recordEnding(dependencies, run, attempt.job, ending)
  // A shutdown settles the call and leaves the prompt open. A superseded attempt may record nothing.
  if (outcome.kind === 'stopped' && outcome.reason === 'shutdown' && outcome.settlement)
    await settleCall(dependencies, run, outcome.settlement)
  return null
}

const flushOnShutdownMs = 500

type TakenOver = { kind: 'continues'; tokens: TokenPage } | { kind: 'ends'; ending: Ending }

const nothingYet: TokenPage = { text: '', endOffset: 0, begun: [], previews: [], firstTextAtMs: null, lastId: '0-0' }

/** Settles the calls that a dead worker left open, and finds the text that clients may have seen. */
async function takeOver(dependencies: AnswerDependencies, attempt: Attempt): Promise<TakenOver> {
  const { run, before } = attempt
  if (before.attempt === 0) return { kind: 'continues', tokens: nothingYet }
  run.logger.info({ earlierAttempts: before.attempt, openCalls: before.openCalls.length }, 'taking over the prompt')
  await settleLostCalls(dependencies, run, before.openCalls)
  const tokens = await dependencies.readTokens(run.requestId).catch(() => nothingYet)
  const { text, firstTextAtMs } = tokens
  if (before.cancelRequested) return { kind: 'ends', ending: { kind: 'cancelled', text, firstTextAtMs } }

  // Every attempt marks the token stream before it calls a model. If the mark of an attempt that answered is missing, the stream
  // is not the one that clients saw, and new text would contradict theirs.
  // Before a pause, and while the answer is held, clients have seen no text.
  const mayBeSeen = before.answeredInAttempt > before.attemptsBeforePause && !before.isHeld
  if (mayBeSeen && !tokens.begun.includes(before.answeredInAttempt)) {
    const message = 'the worker died and the text streamed so far is lost; ask again'
    return { kind: 'ends', ending: { kind: 'failed', code: 'interrupted', message, text, firstTextAtMs: null } }
  }
  return { kind: 'continues', tokens }
}

/** The end of an attempt whose prompt waits for a person. */
function waiting(
  { newId }: AnswerDependencies,
  { promptPosition }: Attempt,
  pause: PauseRequest,
  { outcome, reasons, answer }: { outcome: CallOutcome; reasons: readonly DegradedReason[]; answer: AnswerText },
): Ending {
  const hold = { approvalId: newId(), promptPosition }
  const common = {
    text: answer.soFar(),
    firstTextAtMs: null,
    ...(outcome.settlement && { settlement: outcome.settlement }),
  }
  if (pause.why === 'budget_exceeded') return { ...common, kind: 'paused', ...hold, ...pause }
  if (outcome.kind !== 'completed') throw new Error('an answer that is not complete cannot be held')
  const { finishReason } = outcome
  return { ...common, kind: 'completed', finishReason, reasons: reasonsOf(outcome, reasons), hold }
}

const reasonsOf = (outcome: CallOutcome, lacking: readonly DegradedReason[]): DegradedReason[] => [
  ...lacking,
  ...(outcome.kind === 'completed' && outcome.degraded ? (['model_ending_unusual'] as const) : []),
]

/** Maps the outcome of the model calls to the ending of the answer; null if this attempt does not end it. */
function endingOf(
  outcome: CallOutcome,
  lacking: readonly DegradedReason[],
  answer: AnswerText,
  firstTextAtMs: number | null,
): Ending | null {
  const settled = outcome.settlement && { settlement: outcome.settlement }
  const common = { text: answer.seen(), firstTextAtMs, ...settled }
  switch (outcome.kind) {
    case 'completed':
      return {
        ...common,
        kind: 'completed',
        text: answer.soFar(),
        finishReason: outcome.finishReason,
        reasons: reasonsOf(outcome, lacking),
      }
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
      if (outcome.reason === 'treasury_frozen')
        return { ...common, kind: 'failed', code: 'treasury_frozen', message: frozenMessage }
      return null
    default:
      return outcome satisfies never
  }
}

/** Ends a prompt whose attempts are exhausted because every worker died. If it was cancelled meanwhile, the ending is a cancellation. */
export async function giveUp(dependencies: AnswerDependencies, attempt: Attempt): Promise<CommandResult> {
  const { run, before } = attempt
  await settleLostCalls(dependencies, run, before.openCalls)
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
