import { ProduceCritique } from '../../commands/chat/produce-critique.ts'
import { maxCritiqueCharacters } from '../../events/chat.ts'
import { settleCall } from '../model-call.ts'
import { assertAppended, executeUntilKnown } from '../run.ts'
import { judgesOf, labelledBy, openBallotBox } from './ballot-box.ts'
import { critiqueMessages } from './deliberation-prompts.ts'
import { fittedDrafts } from './fit.ts'
import { draftsFor } from './labels.ts'
import { askMembers, type MemberTask } from './member-calls.ts'
import type { CouncilDependencies, CouncilState, CouncilUpdate } from './state.ts'

/** A review is one sentence for each draft. */
const critiqueTokens = 160

/** Phase `critique`: the members review the drafts of the others, without their authors. A missing review sinks nothing. */
export async function critique(dependencies: CouncilDependencies, state: CouncilState): Promise<CouncilUpdate> {
  const { run, question, progress } = state
  const { seating, modelOf } = dependencies
  const rules = await openBallotBox(dependencies, run, progress)
  const drafts = labelledBy(rules, progress)
  const critiques = [...progress.critiques]

  const tasks = await Promise.all(
    judgesOf(rules, seating)
      .filter(({ id }) => !critiques.some(({ member }) => member === id))
      .map(async (member): Promise<MemberTask[]> => {
        const seen = draftsFor(drafts, member.id, rules)
        if (seen.length === 0) return []
        const messages = await fittedDrafts(modelOf(member.model), critiqueTokens, seen, (shown) =>
          critiqueMessages(question, shown),
        )
        return [{ member, messages, maxTokens: critiqueTokens, temperature: 0 }]
      }),
  )
  const limit = AbortSignal.timeout(seating.timeLimits.critiqueMs)
  await askMembers(dependencies, run, { phase: 'critique', limit, tasks: tasks.flat() }, async (result) => {
    const { member, text: written, settlement } = result
    const text = written.slice(0, maxCritiqueCharacters).toWellFormed()
    const isUsable = text !== '' && (result.ended === 'complete' || result.ended === 'cut_off')
    if (!settlement) return
    // A review that is late or empty is not recorded, but its call is paid.
    if (!isUsable) return settleCall(dependencies, run, settlement)
    const { requestId, attempt } = run
    assertAppended(
      'ProduceCritique',
      await executeUntilKnown(dependencies, run, ProduceCritique, {
        requestId,
        attempt,
        member: member.id,
        text,
        settlement,
      }),
    )
    critiques.push({ member: member.id, text })
  })
  return { progress: { ...progress, rules, critiques } }
}
