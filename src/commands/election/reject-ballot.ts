import { z } from 'zod'
import { ballotFaults, MemberId, electionStream } from '../../events/election.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { election, votingProblem } from '../aggregates/election.ts'
import { electionReads, ElectionStep, settleElectionStep, stepAggregates } from '../budget/settlement.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Records that a member abstains, because it gave no valid ballot. The member cannot vote any more. */
export const RejectBallot = defineCommand({ election, ...stepAggregates })({
  name: 'RejectBallot',
  schema: z.strictObject({
    electionId: Uuid7,
    member: MemberId,
    why: z.enum(ballotFaults),
    given: z.string().max(500).optional(),
    step: ElectionStep.optional(),
  }),
  reads: ({ electionId, step }) => ({ election: electionStream(electionId), ...electionReads(step) }),

  decide({ member, why, given, step }, states, { now }) {
    const settled = settleElectionStep(states, step, now)
    if ('outcome' in settled) return settled
    const problem = votingProblem(states.election, member)
    if (problem) return refused(problem)
    const callId = step?.settlement?.callId
    const data = { member, why, ...(given !== undefined && { given }), ...(callId && { callId }) }
    return { outcome: 'accepted', events: { ...settled, election: [{ type: 'BallotRejected', data }] } }
  },
})
