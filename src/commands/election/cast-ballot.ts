import { z } from 'zod'
import { CastableBallot, MemberId, electionStream } from '../../events/election.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { ballotProblem } from '../../gedi/decide.ts'
import { election, votingProblem } from '../aggregates/election.ts'
import { electionReads, ElectionStep, settleElectionStep, stepAggregates } from '../budget/settlement.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Casts a member's ballot. A member of the electorate votes once, before the election closes, and not for its own candidate. */
export const CastBallot = defineCommand({ election, ...stepAggregates })({
  name: 'CastBallot',
  schema: z.strictObject({
    electionId: Uuid7,
    member: MemberId,
    ballot: CastableBallot,
    step: ElectionStep.optional(),
  }),
  reads: ({ electionId, step }) => ({ election: electionStream(electionId), ...electionReads(step) }),

  decide({ member, ballot, step }, states, { now }) {
    const settled = settleElectionStep(states, step, now)
    if ('outcome' in settled) return settled
    const problem = votingProblem(states.election, member)
    if (problem || states.election.status !== 'open') return refused(problem ?? 'election_closed')
    const fault = ballotProblem(states.election.rules, member, ballot)
    if (fault) return refused('ballot_invalid', { reason: fault })
    const callId = step?.settlement?.callId
    return {
      outcome: 'accepted',
      events: { ...settled, election: [{ type: 'BallotCast', data: { member, ballot, ...(callId && { callId }) } }] },
    }
  },
})
