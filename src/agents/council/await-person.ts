import { interrupt } from '@langchain/langgraph'
import type { PauseDecision } from '../../events/chat.ts'
import type { CallOutcome, ExceededBudget } from '../model-call.ts'
import type { Progress } from './progress.ts'
import type { CouncilState, CouncilUpdate } from './state.ts'

/** What a prompt must wait for: a person who releases its answer, or who lets it exceed a budget. */
export type PauseRequest = { why: 'answer_held' } | ({ why: 'budget_exceeded' } & ExceededBudget)

/** Whether a decision has ended the deliberation: the answer is released or denied, or may not exceed the budget. */
export const isOver = ({ pause }: Progress): boolean =>
  pause !== null && pause.decision !== null && !(pause.why === 'budget_exceeded' && pause.decision === 'granted')

/** What an answer must wait for before the run may end; null: nothing, as for almost every answer. */
export function waitsFor({ progress, outcome, answer }: CouncilState): PauseRequest | null {
  if (outcome?.kind === 'completed' && progress.isHeld) return { why: 'answer_held' }
  if (outcome?.kind === 'failed' && outcome.exceeds && answer.soFar() === '')
    return { why: 'budget_exceeded', ...outcome.exceeds }
  return null
}

/**
 * The last phase of a held answer and of a budget that pauses: they wait for a person. The interrupt ends the run, and the log carries
 * the wait: an attempt that resumes starts the graph from its beginning and comes here with the decision.
 */
export function awaitPerson(state: CouncilState): CouncilUpdate {
  if (isOver(state.progress)) return decided(state.progress, state.answer)
  interrupt(waitsFor(state))
  return {}
}

function decided({ pause }: Progress, answer: CouncilState['answer']): CouncilUpdate {
  if (!pause || pause.decision === null) return {}
  if (pause.why === 'budget_exceeded' || pause.decision !== 'granted')
    return { outcome: refusal(pause.why, pause.decision) }
  const { text, finishReason, reasons } = pause.held
  answer.add(text.slice(answer.soFar().length))
  answer.finish()
  return { outcome: { kind: 'completed', finishReason, degraded: false }, reasons: [...reasons] }
}

const refusal = (why: PauseRequest['why'], decision: PauseDecision): CallOutcome => {
  const isLate = decision === 'expired'
  if (why === 'budget_exceeded')
    return {
      kind: 'failed',
      code: 'budget_exceeded',
      message: `the budget of the day is used up, and ${isLate ? 'no person decided in time whether to exceed it' : 'a person decided not to exceed it'}`,
    }
  return isLate
    ? { kind: 'failed', code: 'approval_expired', message: 'no person released the answer in time' }
    : { kind: 'failed', code: 'answer_denied', message: 'a person decided not to release the answer' }
}
