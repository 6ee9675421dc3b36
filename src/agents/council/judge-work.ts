import { BountyVerdict, type BountyWorker, type JudgingFault } from '../../events/bounty.ts'
import type { ElectionRules } from '../../events/election.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import { methods } from '../../gedi/count.ts'
import type { Run } from '../run.ts'
import { ballotForm } from './ballot.ts'
import { judgesOf, openElection } from './ballot-box.ts'
import { beginningOf, fitted } from './fit.ts'
import { judgingMessages, verdictCandidates, type LabelledVerdict, type WorkToJudge } from './judging-prompt.ts'
import { inOrderOf, labelled } from './labels.ts'
import { askJudges, type Judge } from './poll.ts'
import type { ElectionProgress } from './progress.ts'
import type { Member } from './seating.ts'
import type { CouncilDependencies } from './state.ts'

/** One round of judging: its work, its election, and what earlier attempts have recorded of it. */
export type JudgingRound = { electionId: Uuid7; work: WorkToJudge; worker: BountyWorker; progress: ElectionProgress }

/**
 * Has the members judge work: opens the election of the round and asks every member that has not voted yet. The election stays open.
 * Returns why judges may not have voted, if it is known. Throws RunStopped when the run is stopped.
 */
export type JudgeWork = (run: Run, round: JudgingRound) => Promise<JudgingFault | null>

export const createJudges =
  (dependencies: CouncilDependencies): JudgeWork =>
  async (run, round) => {
    const { seating } = dependencies
    const { electionId, progress } = round
    const rules = progress.rules ?? (await openRound(dependencies, run, round))
    if (!rules) return 'no_judges'
    const voting = judgesOf(rules, seating).filter(({ id }) => !progress.voted.includes(id))
    const judges = await Promise.all(voting.map((member) => judgeOf(dependencies, round.work, rules, member)))
    const limit = AbortSignal.timeout(seating.timeLimits.voteMs)
    const poll = { electionId, rules, phase: 'judge', limit, unpaid: 'waits' as const }
    const { unpaid } = await askJudges(dependencies, run, poll, judges)
    return run.deadline.reason === 'treasury_frozen' ? 'treasury_frozen' : unpaid
  }

/**
 * Opens the election of a round among the seated members; a member never judges its own work. The seed is drawn here, before any judge
 * has seen a label: it decides the labels, the order that each judge sees, and ties. Null if no member may judge.
 */
async function openRound(
  dependencies: CouncilDependencies,
  run: Run,
  { electionId, worker }: JudgingRound,
): Promise<ElectionRules | null> {
  const { seating, newId } = dependencies
  const electorate = seating.members
    .filter(({ id }) => worker !== `agent:${id}`)
    .map(({ id, weight }) => ({ member: id, weight }))
  if (electorate.length === 0) return null
  const seed: string = newId()
  const rules: ElectionRules = {
    purpose: 'bounty',
    ref: run.requestId,
    candidates: labelled(verdictCandidates, seed).map(({ label, verdict }) => ({ label, standsFor: verdict })),
    electorate,
    ownCandidateAllowed: false,
    method: seating.method,
    quorum: Math.min(seating.quorum, electorate.length),
    seed,
  }
  await openElection(dependencies, run, electionId, rules)
  return rules
}

async function judgeOf(
  { modelOf }: CouncilDependencies,
  work: WorkToJudge,
  rules: ElectionRules,
  member: Member,
): Promise<Judge> {
  const verdicts = inOrderOf(member.id, verdictsOf(rules), rules.seed)
  const form = ballotForm(
    methods[rules.method].ballots,
    verdicts.map(({ label }) => label),
    'verdict',
  )
  const longest = Math.max(...Object.values(work).map((text) => text.length))
  const messages = await fitted(modelOf(member.model), form.maxTokens, longest, (characters) =>
    judgingMessages(cutTo(work, characters), verdicts, form.instruction),
  )
  return {
    member,
    form,
    task: { member, messages, maxTokens: form.maxTokens, temperature: 0, constraint: form.constraint },
  }
}

const verdictsOf = ({ candidates }: ElectionRules): LabelledVerdict[] =>
  candidates.map(({ label, standsFor }) => ({ label, verdict: BountyVerdict.parse(standsFor) }))

const cutTo = ({ title, task, criteria, work }: WorkToJudge, characters: number): WorkToJudge => ({
  title: beginningOf(title, characters),
  task: beginningOf(task, characters),
  criteria: beginningOf(criteria, characters),
  work: beginningOf(work, characters),
})
