import { FailDraft } from '../../commands/chat/fail-draft.ts'
import { ProduceDraft } from '../../commands/chat/produce-draft.ts'
import type { DraftFault } from '../../events/chat.ts'
import { assertAppended, executeUntilKnown } from '../run.ts'
import { personaIn } from './conversation.ts'
import { askMembers, modelMessage, type MemberResult } from './member-calls.ts'
import type { Draft, Progress } from './progress.ts'
import { conversationMessages } from './prompts.ts'
import type { CouncilDependencies, CouncilState, CouncilUpdate } from './state.ts'

/**
 * Phase `draft`: the members answer independently, at the same time. The failure of one does not sink the council, and it may still
 * judge. Members whose draft is on record are not asked again.
 */
export async function draft(dependencies: CouncilDependencies, state: CouncilState): Promise<CouncilUpdate> {
  const { run, question, conversation, turns, progress, answer } = state
  const { seating, preview } = dependencies
  // Below the quorum an earlier attempt let one model answer, and clients have seen its text: this answer must go on.
  if (!progress.rules && answer.soFar() !== '') return { reasons: ['drafts_below_quorum'] }
  const done = new Set([...progress.drafts.map(({ member }) => member), ...progress.failed])
  const drafts = [...progress.drafts]
  const failed = [...progress.failed]
  let isOverBudget = false

  const tasks = seating.members
    .filter(({ id }) => !done.has(id))
    .map((member) => ({
      member,
      messages: conversationMessages(personaIn(conversation, member.persona), question, turns),
      maxTokens: member.maxTokens,
      temperature: member.temperature,
      onText: (piece: string) => {
        if (!progress.isHeld) preview(run, member.id, piece)
      },
    }))
  const limit = AbortSignal.timeout(seating.timeLimits.draftMs)
  await askMembers(dependencies, run, { phase: 'draft', limit, tasks }, async (result) => {
    if (result.ended === 'over_budget') return void (isOverBudget = true)
    const recorded = await recordDraft(dependencies, state, result)
    if (recorded === null) failed.push(result.member.id)
    else drafts.push({ member: result.member.id, text: recorded })
  })
  // In the order of the seats. A draft of a member that has left the council since then still counts.
  const seat = ({ member }: Draft): number => seating.members.findIndex(({ id }) => id === member)
  const inOrder = drafts.toSorted((a, b) => seat(a) - seat(b))
  const update: Progress = { ...progress, drafts: inOrder, failed }
  if (inOrder.length >= seating.quorum) return { progress: update }
  return { progress: update, reasons: [isOverBudget ? 'budget_below_council' : 'drafts_below_quorum'] }
}

/** Records a draft and returns its text, or records why there is none and returns null. */
async function recordDraft(
  dependencies: CouncilDependencies,
  { run }: CouncilState,
  result: MemberResult,
): Promise<string | null> {
  const { member, text, settlement, ended } = result
  const common = {
    requestId: run.requestId,
    attempt: run.attempt,
    member: member.id,
    ...(settlement && { settlement }),
  }
  const judgeable = ended === 'complete' ? text : ended === 'cut_off' ? wholeSentences(text) : null
  if (judgeable !== null && settlement) {
    const produced = await executeUntilKnown(dependencies, run, ProduceDraft, {
      ...common,
      text: judgeable,
      settlement,
    })
    assertAppended('ProduceDraft', produced)
    return judgeable
  }
  const why: DraftFault = ended === 'complete' ? 'empty' : ended === 'over_budget' ? 'model_failed' : ended
  run.logger.warn({ member: member.id, why }, 'a member has no draft')
  const said = 'message' in result ? modelMessage(result.message) : {}
  assertAppended('FailDraft', await executeUntilKnown(dependencies, run, FailDraft, { ...common, why, text, ...said }))
  return null
}

/** The shortest text that can be judged although it was cut. */
const shortestJudgeable = 40

/** A draft that was cut at its length, without its unfinished last sentence; null if there is too little to judge. */
function wholeSentences(text: string): string | null {
  const end = Math.max(...['. ', '! ', '? ', '.\n', '!\n', '?\n', '。'].map((mark) => text.lastIndexOf(mark)))
  return end + 1 >= shortestJudgeable ? text.slice(0, end + 1) : null
}
