/** Records the terminal event of a prompt. */

import { CancelAnswer } from '../../commands/chat/cancel-answer.ts'
import { chat } from '../../commands/aggregates/chat.ts'
import { CompleteAnswer } from '../../commands/chat/complete-answer.ts'
import { PausePrompt } from '../../commands/chat/pause-prompt.ts'
import { FailAnswer } from '../../commands/chat/fail-answer.ts'
import type { CommandResult } from '../../commands/gate/types.ts'
import type { Settlement } from '../../commands/budget/settlement.ts'
import { type AnswerFailureCode, type DegradedReason, chatStream } from '../../events/chat.ts'
import type { Position, Uuid7 } from '../../events/identifiers.ts'
import { fittingText } from './answer-text.ts'
import { settleLostCalls, withoutFigures, type ExceededBudget } from '../model-call.ts'
import { executeUntilKnown, type AgentDependencies, type Run } from '../run.ts'

/** The approval that a prompt waits for, and the position of its `PromptSubmitted`. */
type Hold = { approvalId: Uuid7; promptPosition: Position }

/** How an answer ends, or an attempt whose prompt waits for a person. `text` is the text that clients may have seen. The settlement is that of the last model call, if it is open. */
export type Ending = { text: string; firstTextAtMs: number | null; settlement?: Settlement } & (
  | {
      kind: 'completed'
      finishReason: 'stop' | 'length'
      reasons: readonly DegradedReason[]
      /** For an answer that is held: the approval that it waits for. */
      hold?: Hold
    }
  | ({ kind: 'paused'; why: 'budget_exceeded' } & Hold & ExceededBudget)
  | { kind: 'failed'; code: AnswerFailureCode; message: string }
  | { kind: 'cancelled' }
)

const unrecorded = {
  kind: 'failed',
  code: 'internal',
  message: 'the log rejected the end of the answer; see the log line with this request id',
} as const
const maxMessageCharacters = 1000

/**
 * Records the end of a prompt, which also removes its job. If the log rejects an ending for good, simpler forms follow: with the text
 * that fits, without text, without the figures of the bill, and finally the failure `internal` after every open call was charged at
 * its reservation. The last form is always accepted, so no prompt stays open.
 */
export async function recordEnding(
  dependencies: AgentDependencies,
  run: Run,
  job: () => string,
  ending: Ending,
): Promise<CommandResult> {
  for (const form of formsOf(ending)) {
    const result = await tryForm(dependencies, run, job, form)
    if (result && !isRejectedForGood(result)) return result
    run.logger.error(
      { ending: form.kind, characters: form.text.length, ...(result && 'code' in result && { code: result.code }) },
      'the log rejected the end of an answer',
    )
  }
  const { state } = await dependencies.gate.load(chat, chatStream(run.requestId))
  const openCalls = state.status === 'open' ? state.openCalls : []
  await settleLostCalls(dependencies, run, openCalls)
  return record(dependencies, run, job, { ...unrecorded, text: '', firstTextAtMs: null })
}

/** The ending and its simpler forms, in order. */
function formsOf(ending: Ending): Ending[] {
  const { settlement, ...unsettled } = ending
  const isUnseen = ending.kind === 'paused' || (ending.kind === 'completed' && ending.hold !== undefined)
  const failed: Ending =
    ending.kind === 'completed' || ending.kind === 'paused'
      ? {
          ...unrecorded,
          text: isUnseen ? '' : ending.text,
          firstTextAtMs: ending.firstTextAtMs,
          ...(settlement && { settlement }),
        }
      : ending
  const shorter = { ...failed, text: fittingText(failed.text) }
  const textless = { ...failed, text: '' }
  if (!settlement) return [ending, shorter, textless]
  return [
    ending,
    shorter,
    textless,
    { ...textless, settlement: withoutFigures(settlement) },
    { ...unsettled, ...unrecorded, text: '' },
  ]
}

/** Tries one form; null when the command threw because its events cannot be written. */
async function tryForm(
  dependencies: AgentDependencies,
  run: Run,
  job: () => string,
  ending: Ending,
): Promise<CommandResult | null> {
  try {
    return await record(dependencies, run, job, ending)
  } catch (error) {
    run.logger.error({ err: error }, 'cannot write the end of an answer')
    return null
  }
}

function isRejectedForGood(result: CommandResult): boolean {
  if (result.result === 'rejected') return result.code === 'malformed_command' || result.code === 'state_too_large'
  return result.result === 'refused' && (result.code === 'call_not_open' || result.code === 'calls_still_open')
}

function record(dependencies: AgentDependencies, run: Run, job: () => string, ending: Ending): Promise<CommandResult> {
  const { requestId, attempt, submittedAt } = run
  const { text, settlement, firstTextAtMs } = ending
  const common = {
    requestId,
    attempt,
    text,
    ...(settlement && { settlement }),
    firstTokenMs: firstTextAtMs === null ? null : Math.max(0, firstTextAtMs - Date.parse(submittedAt)),
    endedAtMs: dependencies.clock.nowMs(),
    job: job(),
  }
  switch (ending.kind) {
    case 'completed':
      return executeUntilKnown(dependencies, run, CompleteAnswer, {
        ...common,
        finishReason: ending.finishReason,
        reasons: [...ending.reasons],
        ...(ending.hold && { hold: ending.hold }),
      })
    case 'paused': {
      const { approvalId, promptPosition, budget, amountMicros } = ending
      const waiting = { requestId, attempt, approvalId, promptPosition, budget, amountMicros, job: job() }
      return executeUntilKnown(dependencies, run, PausePrompt, waiting)
    }
    case 'failed':
      return executeUntilKnown(dependencies, run, FailAnswer, {
        ...common,
        code: ending.code,
        message: messageOf(ending),
      })
    case 'cancelled':
      return executeUntilKnown(dependencies, run, CancelAnswer, common)
    default:
      return ending satisfies never
  }
}

/** A server's message may be empty or too long, and cutting it may leave half a character. */
const messageOf = ({ code, message }: { code: string; message: string }): string =>
  message.slice(0, maxMessageCharacters).toWellFormed() || code
