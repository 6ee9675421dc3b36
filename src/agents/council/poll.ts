import { CastBallot } from '../../commands/election/cast-ballot.ts'
import { RejectBallot } from '../../commands/election/reject-ballot.ts'
import type { Settlement } from '../../commands/budget/settlement.ts'
import type { BallotFault, CastableBallot, ElectionRules } from '../../events/election.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import { ballotProblem, type MemberBallot } from '../../gedi/decide.ts'
import { settleCall } from '../model-call.ts'
import { assertAppended, executeUntilKnown, type Run } from '../run.ts'
import type { BallotForm } from './ballot.ts'
import { beginningOf } from './fit.ts'
import { askMembers, type MemberResult, type MemberTask } from './member-calls.ts'
import type { Member } from './seating.ts'
import type { CouncilDependencies } from './state.ts'

/** The times that a judge is asked: once, and once more if its ballot was invalid. */
const maxAsked = 2
const givenCharacters = 500

/** A member that is asked for its ballot. */
export type Judge = { member: Member; form: BallotForm; task: MemberTask }

/** An open election, and how its judges are asked. */
export type Poll = {
  electionId: Uuid7
  rules: ElectionRules
  /** The phase of the judges' model calls. */
  phase: string
  limit: AbortSignal
  /** What becomes of a judge whose call cannot be paid: it abstains, or its vote stays open. */
  unpaid: 'abstains' | 'waits'
}

/** The ballots that were cast, and why judges were not asked for want of money. */
export type Polled = { ballots: MemberBallot[]; unpaid: 'over_budget' | 'treasury_frozen' | null }

/**
 * Asks judges for their ballots at the same time, and records each ballot as soon as it is there. A judge that gives no valid ballot
 * after one repair abstains. The election stays open.
 */
export async function askJudges(
  dependencies: CouncilDependencies,
  run: Run,
  poll: Poll,
  asked: readonly Judge[],
): Promise<Polled> {
  const { rules, phase, limit } = poll
  const polled: Polled = { ballots: [], unpaid: null }
  let judges = asked
  for (let time = 1; time <= maxAsked && judges.length > 0; time++) {
    const again: Judge[] = []
    const tasks = judges.map(({ task }) => task)
    await askMembers(dependencies, run, { phase, limit, tasks }, async (result) => {
      const judge = judges.find(({ member }) => member.id === result.member.id)
      if (!judge) throw new Error('a ballot of a member that was not asked')
      const unpaid = unpaidBy(result)
      polled.unpaid ??= unpaid
      if (unpaid && poll.unpaid === 'waits') return
      const cast = castBy(rules, judge, result)
      if ('ballot' in cast) {
        await castBallot(dependencies, run, poll, judge.member.id, cast.ballot, result.settlement)
        polled.ballots.push({ member: judge.member.id, ballot: cast.ballot })
      } else if (cast.why === 'invalid' && time < maxAsked) {
        if (result.settlement) await settleCall(dependencies, run, result.settlement)
        again.push(repaired(judge, result.text))
      } else await rejectBallot(dependencies, run, poll, judge.member.id, cast.why, result)
    })
    judges = again
  }
  return polled
}

/** Why a call was not made for want of money; null if it was made, or could not be for another reason. */
function unpaidBy(result: MemberResult): Polled['unpaid'] {
  if (!('code' in result)) return null
  if (result.code === 'budget_exceeded') return 'over_budget'
  return result.code === 'treasury_frozen' ? 'treasury_frozen' : null
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
  { electionId }: Poll,
  member: string,
  ballot: CastableBallot,
  settlement: Settlement | undefined,
): Promise<void> {
  const step = { work: run.work, attempt: run.attempt, ...(settlement && { settlement }) }
  assertAppended(
    'CastBallot',
    await executeUntilKnown(dependencies, run, CastBallot, { electionId, member, ballot, step }),
  )
}

async function rejectBallot(
  dependencies: CouncilDependencies,
  run: Run,
  { electionId }: Poll,
  member: string,
  why: BallotFault,
  { text, settlement }: MemberResult,
): Promise<void> {
  run.logger.warn({ member, why }, 'a member abstains')
  const given = text.slice(0, givenCharacters).toWellFormed()
  const step = { work: run.work, attempt: run.attempt, ...(settlement && { settlement }) }
  assertAppended(
    'RejectBallot',
    await executeUntilKnown(dependencies, run, RejectBallot, {
      electionId,
      member,
      why,
      ...(given !== '' && { given }),
      step,
    }),
  )
}
