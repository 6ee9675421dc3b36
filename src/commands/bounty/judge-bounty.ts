import { z } from 'zod'
import { accountStream } from '../../events/account.ts'
import { bountyStream, BountyVerdict, BountyWorker, type BountyEvent, JudgingFault } from '../../events/bounty.ts'
import { electionStream } from '../../events/election.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { decideElection } from '../../gedi/decide.ts'
import { account } from '../aggregates/account.ts'
import { bounty, isHindered, maxFailedRounds, type Judging } from '../aggregates/bounty.ts'
import { election, type Election } from '../aggregates/election.ts'
import { judgingOf } from '../budget/paid-work.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { payeeOf } from './claimant.ts'
import { escrowAggregates, escrowReads, paidOut } from './escrow.ts'
import { statusProblem } from './status.ts'

/** How long after a failed round the clock begins the next one; longer while the council may spend no money. */
const retryMs = 5 * 60_000
const hinderedRetryMs = 60 * 60_000

/**
 * Closes the election of a round, counts it, and acts on its result, in one append: the verdict and the money, or the failure and when to
 * try again. While a freeze holds the money, the verdict alone; the clock then pays. Refused while a call of the judges is not settled.
 */
export const JudgeBounty = defineCommand({ bounty, election, ...escrowAggregates, payee: account })({
  name: 'JudgeBounty',
  schema: z.strictObject({
    bountyId: Uuid7,
    attempt: z.int().positive(),
    worker: BountyWorker,
    electionId: Uuid7,
    /** Why the judges may not have voted, if the worker knows: it explains an election without a result. */
    hindrance: JudgingFault.optional(),
    /** The entry of the work stream that this append removes. */
    job: z.string().regex(/^\d+-\d+$/),
  }),
  reads: ({ bountyId, worker, electionId }) => ({
    bounty: bountyStream(bountyId),
    election: electionStream(electionId),
    ...escrowReads(bountyId),
    payee: accountStream(payeeOf(worker)),
  }),

  decide({ bountyId, attempt, worker, electionId, hindrance, job }, states, { now }) {
    const judging = judgingOf(states.bounty, attempt)
    if (typeof judging === 'string') return refused(judging)
    if (states.bounty.status !== 'submitted') return statusProblem(states.bounty)
    if (worker !== states.bounty.worker) return refused('not_the_worker', { worker: states.bounty.worker })
    if (electionId !== judging.electionId) return refused('election_unknown')
    if (judging.openCalls.length > 0) return refused('calls_still_open', { calls: judging.openCalls.length })

    const ending = endingOf(states.election)
    const verdict = ending && verdictOf(states.election, ending)
    if (!verdict) {
      const why = hindrance ?? (ending?.type === 'ElectionFailed' ? ending.data.why : null)
      if (why === null) return refused('election_unknown')
      return {
        outcome: 'accepted',
        events: { election: ending ? [ending] : [], bounty: [failed(judging, why, now)] },
        finishesJob: job,
      }
    }
    const { offer } = states.bounty
    const judged: BountyEvent = { type: 'BountyJudged', data: { electionId, verdict, judgedAt: now } }
    const paid = paidOut(bountyId, { offer, worker, verdict }, states, now)
    const { bounty: end, ...moved } = 'outcome' in paid ? { bounty: null } : paid
    return {
      outcome: 'accepted',
      events: { election: [ending], bounty: end ? [judged, end] : [judged], ...moved },
      finishesJob: job,
    }
  },
})

type Ending = ReturnType<typeof decideElection>

/** The event that ends the election; null if none was opened, for lack of judges or because every attempt died before. */
const endingOf = (state: Election): Ending | null =>
  state.status === 'open' ? decideElection(state.rules, state.ballots) : null

/** The verdict under the winning label; null without a winner. */
function verdictOf(state: Election, ending: Ending): BountyVerdict | null {
  if (state.status !== 'open' || ending.type === 'ElectionFailed') return null
  const winner = state.rules.candidates.find(({ label }) => label === ending.data.winner)
  return BountyVerdict.parse(winner?.standsFor)
}

function failed({ round, failedRounds }: Judging, why: JudgingFault, now: string): BountyEvent {
  const isLast = !isHindered(why) && failedRounds + 1 >= maxFailedRounds
  const inMs = isLast ? 0 : isHindered(why) ? hinderedRetryMs : retryMs
  const nextAt = new Date(Date.parse(now) + inMs).toISOString()
  return { type: 'BountyJudgingFailed', data: { round, why, nextAt, isLast } }
}
