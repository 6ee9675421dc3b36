import { CancelAnswer } from '../commands/cancel-answer.ts'
import type { OpenChat } from '../commands/chat.ts'
import { CompleteAnswer } from '../commands/complete-answer.ts'
import { FailAnswer } from '../commands/fail-answer.ts'
import type { CommandResult } from '../commands/gate-types.ts'
import type { AnswerFailureCode, SensedConversation } from '../events/chat.ts'
import type { PromptInConversation } from '../projections/earlier-turns.ts'
import type { Settlement } from '../commands/settlement.ts'
import { lostCall, settleCall, type CallOutcome } from './model-call.ts'
import type { Orchestrator } from './orchestrator.ts'
import { executeFor, type AgentDependencies, type Run } from './run.ts'
import { tokenBatcher } from './tokens/token-batcher.ts'
import type { TokenPage } from './tokens/token-stream.ts'

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
  if (found.kind === 'ended') return found.result
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
  const onText = (text: string): void => {
    firstTextAtMs ??= dependencies.clock.nowMs()
    batcher.add(text)
  }

  const { question, conversation, sensed } = attempt
  const recorded = before.path === 'fast' ? { path: before.path, sensed } : null
  const { answer, outcome, degraded } = await dependencies.orchestrate({ run, onText, question, conversation, recorded, answer: tokens.text })
  await batcher.flush()
  return end(dependencies, attempt, answer, outcome, firstTextAtMs, degraded)
}

type TakenOver = { kind: 'goes_on'; tokens: TokenPage } | { kind: 'ended'; result: CommandResult | null }

const nothingYet: TokenPage = { text: '', endOffset: 0, begun: [], firstTextAtMs: null, lastId: '0-0' }

/** Settles what a dead worker left open, and finds the text that clients may have seen. */
async function takeOver(dependencies: AnswerDependencies, attempt: Attempt): Promise<TakenOver> {
  const { run, before } = attempt
  if (before.attempt === 0) return { kind: 'goes_on', tokens: nothingYet }
  run.logger.info({ earlierAttempts: before.attempt, openCalls: before.openCalls.length }, 'taking over')
  for (const call of before.openCalls) {
    const budget = call.budgets[0]
    if (budget) await settleCall(dependencies, run, lostCall(call.callId, budget, dependencies.prices.of(call.model)))
  }
  const tokens = await dependencies.readTokens(run.requestId).catch(() => nothingYet)
  if (before.cancelRequested) return { kind: 'ended', result: await endCancelled(dependencies, attempt, tokens.text, undefined, tokens.firstTextAtMs) }

  // Every attempt marks the token stream before it calls a model. Where the mark of one that called is missing, the
  // stream is not what clients saw, and a new text would contradict it.
  if (before.calledInAttempt > 0 && !tokens.begun.includes(before.calledInAttempt)) {
    const result = await endFailed(dependencies, attempt, tokens.text, { code: 'interrupted', message: 'the worker died and the text streamed so far is lost; ask again' }, undefined, null)
    return { kind: 'ended', result }
  }
  return { kind: 'goes_on', tokens }
}

async function end(dependencies: AnswerDependencies, attempt: Attempt, text: string, outcome: CallOutcome, firstTextAtMs: number | null, degraded: boolean): Promise<CommandResult | null> {
  const { run } = attempt
  switch (outcome.kind) {
    case 'completed':
      return executeFor(dependencies, run, CompleteAnswer, {
        ...ending(dependencies, attempt, text, outcome.settlement, firstTextAtMs),
        finishReason: outcome.finishReason,
        degraded,
      })
    case 'failed':
      return endFailed(dependencies, attempt, text, outcome, outcome.settlement, firstTextAtMs)
    case 'stopped':
      if (outcome.reason === 'cancelled') return endCancelled(dependencies, attempt, text, outcome.settlement, firstTextAtMs)
      // An orderly stop pays for what it used and leaves the prompt; a superseded worker may not say anything any more.
      if (outcome.reason === 'shutdown') await settleCall(dependencies, run, outcome.settlement)
      return null
    default:
      return outcome satisfies never
  }
}

/** Ends a prompt whose attempts are used up: everything that worked on it died. */
export async function giveUp(dependencies: AnswerDependencies, attempt: Attempt): Promise<CommandResult | null> {
  const { run, before } = attempt
  for (const call of before.openCalls) {
    const budget = call.budgets[0]
    if (budget) await settleCall(dependencies, run, lostCall(call.callId, budget, dependencies.prices.of(call.model)))
  }
  const tokens = await dependencies.readTokens(run.requestId).catch(() => nothingYet)
  return endFailed(dependencies, attempt, tokens.text, { code: 'crashed', message: `${before.attempt} workers died while answering; ask again` }, undefined, tokens.firstTextAtMs)
}

const endFailed = (
  dependencies: AnswerDependencies,
  attempt: Attempt,
  text: string,
  { code, message }: { code: AnswerFailureCode; message: string },
  settlement: Settlement | undefined,
  firstTextAtMs: number | null,
) => executeFor(dependencies, attempt.run, FailAnswer, { ...ending(dependencies, attempt, text, settlement, firstTextAtMs), code, message: message.slice(0, 1000) })

const endCancelled = (dependencies: AnswerDependencies, attempt: Attempt, text: string, settlement: Settlement | undefined, firstTextAtMs: number | null) =>
  executeFor(dependencies, attempt.run, CancelAnswer, ending(dependencies, attempt, text, settlement, firstTextAtMs))

function ending({ clock }: AnswerDependencies, { run, job }: Attempt, text: string, settlement: Settlement | undefined, firstTextAtMs: number | null) {
  return {
    requestId: run.requestId,
    attempt: run.attempt,
    text,
    ...(settlement && { settlement }),
    firstTokenMs: firstTextAtMs === null ? null : Math.max(0, firstTextAtMs - Date.parse(run.submittedAt)),
    endedAtMs: clock.nowMs(),
    job: job(),
  }
}
