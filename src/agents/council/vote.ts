import { CastBallot } from '../../commands/election/cast-ballot.ts'
import { CloseElection } from '../../commands/election/close-election.ts'
import { RejectBallot } from '../../commands/election/reject-ballot.ts'
import type { DegradedReason } from '../../events/chat.ts'
import type { BallotFault, CastableBallot, ElectionRules } from '../../events/election.ts'
import type { Settlement } from '../../commands/budget/settlement.ts'
import { methods } from '../../gedi/count.ts'
import { ballotProblem, decideElection, type MemberBallot } from '../../gedi/decide.ts'
import { settleCall } from '../model-call.ts'
import { assertAppended, executeUntilKnown, type Run } from '../run.ts'
import { ballotForm, type BallotForm } from './ballot.ts'
import { judgesOf, labelledBy, openBallotBox } from './ballot-box.ts'
import { ballotMessages } from './deliberation-prompts.ts'
import { beginningOf, fittedDrafts } from './fit.ts'
import { draftsFor, type LabelledDraft } from './labels.ts'
import { askMembers, type MemberResult, type MemberTask } from './member-calls.ts'
import type { Progress } from './progress.ts'
import type { Member } from './seating.ts'
import type { CouncilDependencies, CouncilState, CouncilUpdate } from './state.ts'

/** The times that a judge is asked: once, and once more if its ballot was invalid. */
const maxAsked = 2
const givenCharacters = 500

type Judge = { member: Member; form: BallotForm; task: MemberTask }

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
  let judges = (await Promise.all(voting.map((member) => judgeOf(dependencies, state, rules, drafts, member)))).flat()

  const limit = AbortSignal.timeout(seating.timeLimits.voteMs)
  const ballots: MemberBallot[] = [...progress.ballots]
  for (let asked = 1; asked <= maxAsked && judges.length > 0; asked++) {
    const again: Judge[] = []
    await askMembers(
      dependencies,
      run,
      { phase: 'vote', limit, tasks: judges.map(({ task }) => task) },
      async (result) => {
        const judge = judges.find(({ member }) => member.id === result.member.id)
        if (!judge) throw new Error('a ballot of a member that was not asked')
        const cast = castBy(rules, judge, result)
        if ('ballot' in cast) {
          await castBallot(dependencies, run, judge.member.id, cast.ballot, result.settlement)
          ballots.push({ member: judge.member.id, ballot: cast.ballot })
        } else if (cast.why === 'invalid' && asked < maxAsked) {
          if (result.settlement) await settleCall(dependencies, run, result.settlement)
          again.push(repaired(judge, result.text))
        } else await rejectBallot(dependencies, run, judge.member.id, cast.why, result)
      },
    )
    judges = again
  }
  const { requestId, attempt } = run
  assertAppended(
    'CloseElection',
    await executeUntilKnown(dependencies, run, CloseElection, { electionId: requestId, step: { attempt } }),
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
  )
  const critique = progress.critiques.find((one) => one.member === member.id)?.text ?? null
  const messages = await fittedDrafts(modelOf(member.model), form.maxTokens, seen, (shown) =>
    ballotMessages(question, shown, { critique, instruction: form.instruction }),
  )
  const task = { member, messages, maxTokens: form.maxTokens, temperature: 0, constraint: form.constraint }
  return [{ member, form, task }]
}

/** The valid ballot of a judge, or why it has none. */
function castBy(
  rules: ElectionRules,
  { member, form }: Judge,
  result: MemberResult,
): { ballot: CastableBallot } | { why: BallotFault } {
  if (result.ended === 'late') return { why: 'late' }
  if (result.ended === 'model_failed' || result.ended === 'over_budget') return { why: 'model_failed' }
  // A constrained ballot that was cut off may still look valid.
  if (result.ended === 'cut_off') return { why: 'invalid' }
  const ballot = form.parse(result.text)
  return ballot !== null && ballotProblem(rules, member.id, ballot) === null ? { ballot } : { why: 'invalid' }
}

/** The task of a judge after an invalid ballot. */
const repaired = (judge: Judge, said: string): Judge => ({
  ...judge,
  task: {
    ...judge.task,
    messages: [
      ...judge.task.messages,
      { role: 'assistant', content: beginningOf(said, givenCharacters) || '(nothing)' },
      { role: 'user', content: `That is no valid ballot. ${judge.form.instruction}` },
    ],
  },
})

async function castBallot(
  dependencies: CouncilDependencies,
  run: Run,
  member: string,
  ballot: CastableBallot,
  settlement: Settlement | undefined,
): Promise<void> {
  const step = { attempt: run.attempt, ...(settlement && { settlement }) }
  assertAppended(
    'CastBallot',
    await executeUntilKnown(dependencies, run, CastBallot, { electionId: run.requestId, member, ballot, step }),
  )
}

async function rejectBallot(
  dependencies: CouncilDependencies,
  run: Run,
  member: string,
  why: BallotFault,
  { text, settlement }: MemberResult,
): Promise<void> {
  run.logger.warn({ member, why }, 'a member abstains')
  const given = text.slice(0, givenCharacters).toWellFormed()
  const step = { attempt: run.attempt, ...(settlement && { settlement }) }
  assertAppended(
    'RejectBallot',
    await executeUntilKnown(dependencies, run, RejectBallot, {
      electionId: run.requestId,
      member,
      why,
      ...(given !== '' && { given }),
      step,
    }),
  )
}
