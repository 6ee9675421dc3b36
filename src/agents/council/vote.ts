import { CloseElection } from '../../commands/election/close-election.ts'
import type { DegradedReason } from '../../events/chat.ts'
import type { ElectionRules } from '../../events/election.ts'
import { methods } from '../../gedi/count.ts'
import { decideElection } from '../../gedi/decide.ts'
import { assertAppended, executeUntilKnown } from '../run.ts'
import { ballotForm } from './ballot.ts'
import { judgesOf, labelledBy, openBallotBox } from './ballot-box.ts'
import { ballotMessages } from './deliberation-prompts.ts'
import { fittedDrafts } from './fit.ts'
import { draftsFor, type LabelledDraft } from './labels.ts'
import { askJudges, type Judge } from './poll.ts'
import type { Progress } from './progress.ts'
import type { Member } from './seating.ts'
import type { CouncilDependencies, CouncilState, CouncilUpdate } from './state.ts'

/**
 * Phase `vote`: each member judges the drafts without their authors, in an order of its own, and casts a ballot. A judge that gives no
 * valid ballot after one repair abstains. Closing the election counts the ballots.
 */
export async function vote(dependencies: CouncilDependencies, state: CouncilState): Promise<CouncilUpdate> {
  const { run, progress } = state
  if (progress.ending) return { reasons: lackOf(progress.ending) }
  const { seating } = dependencies
  const rules = await openBallotBox(dependencies, run, progress)
  const drafts = labelledBy(rules, progress)
  const voting = judgesOf(rules, seating).filter(({ id }) => !progress.voted.includes(id))
  const judges = (await Promise.all(voting.map((member) => judgeOf(dependencies, state, rules, drafts, member)))).flat()

  const limit = AbortSignal.timeout(seating.timeLimits.voteMs)
  const election = { electionId: run.requestId, rules, phase: 'vote', limit, unpaid: 'abstains' as const }
  const { ballots: cast } = await askJudges(dependencies, run, election, judges)
  const ballots = [...progress.ballots, ...cast]
  const { requestId: electionId, work, attempt } = run
  assertAppended(
    'CloseElection',
    await executeUntilKnown(dependencies, run, CloseElection, { electionId, step: { work, attempt } }),
  )
  // The same pure function has decided the event of the command.
  const ending = decideElection(rules, ballots)
  return { progress: { ...progress, rules, ballots, ending }, reasons: lackOf(ending) }
}

/** What the answer lacks after a vote; also for a worker that takes over when the vote has ended. */
const lackOf = ({ type }: NonNullable<Progress['ending']>): DegradedReason[] =>
  type === 'ElectionFailed' ? ['ballots_below_quorum'] : []

/** What a member is asked; nothing if it has no draft to judge but its own. */
async function judgeOf(
  { modelOf }: CouncilDependencies,
  { question, progress }: CouncilState,
  rules: ElectionRules,
  drafts: readonly LabelledDraft[],
  member: Member,
): Promise<Judge[]> {
  const seen = draftsFor(drafts, member.id, rules)
  if (seen.length === 0) return []
  const form = ballotForm(
    methods[rules.method].ballots,
    seen.map(({ label }) => label),
    'answer',
  )
  const critique = progress.critiques.find((one) => one.member === member.id)?.text ?? null
  const messages = await fittedDrafts(modelOf(member.model), form.maxTokens, seen, (shown) =>
    ballotMessages(question, shown, { critique, instruction: form.instruction }),
  )
  const task = { member, messages, maxTokens: form.maxTokens, temperature: 0, constraint: form.constraint }
  return [{ member, form, task }]
}
