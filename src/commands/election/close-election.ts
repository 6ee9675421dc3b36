import { z } from 'zod'
import { electionStream } from '../../events/election.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { decideElection } from '../../gedi/decide.ts'
import { election } from '../aggregates/election.ts'
import { electionReads, ElectionStep, settleElectionStep, stepAggregates } from '../budget/settlement.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Closes an election and counts it, tie-break included. It fails below its quorum; the caller then goes on without a result. */
export const CloseElection = defineCommand({ election, ...stepAggregates })({
  name: 'CloseElection',
  schema: z.strictObject({ electionId: Uuid7, step: ElectionStep.optional() }),
  reads: ({ electionId, step }) => ({ election: electionStream(electionId), ...electionReads(step) }),

  decide({ step }, states, { now }) {
    const settled = settleElectionStep(states, step, now)
    if ('outcome' in settled) return settled
    const { election: state } = states
    if (state.status !== 'open') return refused(state.status === 'absent' ? 'election_unknown' : 'election_closed')
    return { outcome: 'accepted', events: { ...settled, election: [decideElection(state.rules, state.ballots)] } }
  },
})
