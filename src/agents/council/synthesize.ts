import { preferredTo } from '../../gedi/places.ts'
import { FailSynthesis } from '../../commands/chat/fail-synthesis.ts'
import type { CallOutcome } from '../model-call.ts'
import { assertAppended, executeUntilKnown, isDeadlineReason } from '../run.ts'
import type { AnswerText } from '../worker/answer-text.ts'
import { labelledBy } from './ballot-box.ts'
import { personaIn } from './conversation.ts'
import { chairMessages, type Material } from './deliberation-prompts.ts'
import { beginningOf, fitted } from './fit.ts'
import type { LabelledDraft } from './labels.ts'
import { modelMessage } from './member-calls.ts'
import { turnMessages } from './prompts.ts'
import { writeAnswer } from './respond.ts'
import type { CouncilDependencies, CouncilState, CouncilUpdate } from './state.ts'

/**
 * Phase `synthesize`: the chair writes the answer from the winning draft, the other drafts, the reviews and the dissent. If the chair
 * fails or is late, the winning draft is the answer: drafts and votes are there, and the asker has waited for them.
 */
export async function synthesize(dependencies: CouncilDependencies, state: CouncilState): Promise<CouncilUpdate> {
  const { run, answer, question, conversation, turns, progress } = state
  const { seating, modelOf } = dependencies
  const { chair, timeLimits } = seating
  if (!progress.rules) throw new Error('no election was opened')
  const drafts = labelledBy(progress.rules, progress)
  const winner = winnerOf(state, drafts)
  if (progress.chairFailedAfter !== null) return answerWithDraft(answer, progress.chairFailedAfter, winner.text)
  const material: Material = {
    winner: progress.ending?.type === 'ElectionDecided' ? winner : null,
    others: drafts.filter((draft) => progress.ending?.type !== 'ElectionDecided' || draft !== winner),
    critiques: progress.critiques.map(({ text }) => text),
    dissent: dissentOf(state),
  }
  const model = modelOf(chair.model)
  const longest = Math.max(...drafts.map(({ text }) => text.length), ...material.critiques.map((text) => text.length))
  const messages = await fitted(model, chair.maxTokens, longest, (characters) =>
    chairMessages(personaIn(conversation, chair.persona), turnMessages(turns), question, cutTo(material, characters)),
  )
  const outcome = await writeAnswer(dependencies, run, {
    phase: 'synthesize',
    member: chair.id,
    model,
    messages,
    maxTokens: chair.maxTokens,
    temperature: chair.temperature,
    text: answer,
    limit: AbortSignal.timeout(timeLimits.synthesizeMs),
  })
  if (outcome.kind === 'completed' || (outcome.kind === 'stopped' && !isDeadlineReason(outcome.reason)))
    return { outcome }
  answer.interrupt()
  await recordFailure(dependencies, state, outcome)
  return answerWithDraft(answer, answer.soFar().length, winner.text)
}

/**
 * Records that the chair failed, before the draft is shown: an attempt that takes over must not let the chair continue
 * the draft.
 */
async function recordFailure(
  dependencies: CouncilDependencies,
  { run, answer }: CouncilState,
  failed: CallOutcome,
): Promise<void> {
  run.logger.warn({ outcome: failed }, 'the chair failed; the winning draft is the answer')
  const isEmpty = failed.kind === 'failed' && failed.code === 'empty_answer'
  const result = await executeUntilKnown(dependencies, run, FailSynthesis, {
    requestId: run.requestId,
    attempt: run.attempt,
    member: dependencies.seating.chair.id,
    why: failed.kind !== 'failed' ? 'late' : isEmpty ? 'empty' : 'model_failed',
    ...(failed.kind === 'failed' && !isEmpty && modelMessage(failed.message)),
    characters: answer.soFar().length,
    ...(failed.settlement && { settlement: failed.settlement }),
  })
  assertAppended('FailSynthesis', result)
}

const separator = '\n\n---\n\n'

/**
 * Ends the answer with a draft, after the first characters of the answer: the text of the chair that clients may have
 * seen. An earlier attempt may have shown a part of the draft.
 */
function answerWithDraft(answer: AnswerText, characters: number, draft: string): CouncilUpdate {
  const shown = answer.soFar()
  const whole = [shown.slice(0, characters), draft].filter((part) => part !== '').join(separator)
  answer.add(whole.startsWith(shown) ? whole.slice(shown.length) : `${separator}${draft}`)
  answer.finish()
  const finishReason = answer.isFull() ? 'length' : 'stop'
  return { outcome: { kind: 'completed', finishReason, degraded: false }, reasons: ['chair_failed'] }
}

/** The winning draft; without a result of the vote, the draft of the first label, which the seed has drawn. */
function winnerOf({ progress: { ending } }: CouncilState, drafts: readonly LabelledDraft[]): LabelledDraft {
  const label = ending?.type === 'ElectionDecided' ? ending.data.winner : drafts[0]?.label
  const winner = drafts.find((draft) => draft.label === label)
  if (!winner) throw new Error('the winner of the election has no draft')
  return winner
}

/** How many judges preferred another draft, and which, in one sentence; null if none did. */
function dissentOf({ progress: { ending, ballots } }: CouncilState): string | null {
  if (ending?.type !== 'ElectionDecided') return null
  const { winner, method } = ending.data
  const preferred = ballots.map(({ ballot }) => preferredTo(method, ballot, winner)).filter(({ length }) => length > 0)
  if (preferred.length === 0) return null
  const labels = [...new Set(preferred.flat())].toSorted()
  return `${preferred.length} of ${ballots.length} judges preferred another answer: ${labels.join(', ')}.`
}

const cutTo = ({ winner, others, critiques, dissent }: Material, characters: number): Material => {
  const cut = (draft: LabelledDraft): LabelledDraft => ({ ...draft, text: beginningOf(draft.text, characters) })
  return {
    winner: winner && cut(winner),
    others: others.map(cut),
    critiques: critiques.map((text) => beginningOf(text, characters)),
    dissent,
  }
}
