import { z } from 'zod'
import { accountStream } from '../../events/account.ts'
import { bountyStream, BountyWorker, type BountyEvent } from '../../events/bounty.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { account, type Account } from '../aggregates/account.ts'
import { bounty, type Bounty, type JudgedBounty, type SubmittedBounty } from '../aggregates/bounty.ts'
import { defineCommand, type JobRequest } from '../decider.ts'
import { refused, type Refusal } from '../refusals.ts'
import { payeeOf } from './claimant.ts'
import { escrowAggregates, escrowReads, nothingMoved, paidOut, returnedMoney, type EscrowStates } from './escrow.ts'
import { statusProblem } from './status.ts'

type States = EscrowStates & { payee: Account }
type Advanced = { bounty: BountyEvent; jobs?: JobRequest[] } & Partial<
  Omit<Exclude<ReturnType<typeof paidOut>, Refusal>, 'bounty'>
>

/**
 * Does what is due on a bounty by the clock: a claim or the bounty expires, a round of judging begins again, an award that had to wait is
 * paid. Refused with `nothing_due` before its time, and while a freeze keeps the money where it is.
 */
export const AdvanceBounty = defineCommand({ bounty, ...escrowAggregates, payee: account })({
  name: 'AdvanceBounty',
  schema: z.strictObject({
    bountyId: Uuid7,
    /** Who did the work of a judged bounty: its account must be read before it is paid. */
    worker: BountyWorker.optional(),
  }),
  reads: ({ bountyId, worker }) => ({
    bounty: bountyStream(bountyId),
    ...escrowReads(bountyId),
    payee: worker === undefined ? null : accountStream(payeeOf(worker)),
  }),

  decide({ bountyId, worker }, { bounty: state, ...states }, { now }) {
    const advanced = advance(bountyId, state, states, { now, worker })
    if ('outcome' in advanced) return advanced
    const { bounty: event, jobs, ...moved } = advanced
    return { outcome: 'accepted', events: { bounty: [event], ...moved }, ...(jobs && { jobs }) }
  },
})

type Clock = { now: string; worker: BountyWorker | undefined }

function advance(bountyId: Uuid7, state: Bounty, states: States, clock: Clock): Advanced | Refusal {
  const nowMs = Date.parse(clock.now)
  switch (state.status) {
    case 'absent':
    case 'finished':
      return statusProblem(state)
    case 'proposed':
    case 'open':
    case 'claimed':
      if (Date.parse(state.offer.deadline) <= nowMs)
        return expired(
          'no_work',
          state.status === 'proposed' ? nothingMoved : returnedMoney(bountyId, states, clock.now),
        )
      if (state.status === 'claimed' && state.claimEndsAtMs <= nowMs)
        return { bounty: { type: 'ClaimExpired', data: { worker: state.worker } } }
      return refused('nothing_due')
    case 'submitted':
      return judgedAgain(bountyId, state, states, clock.now)
    case 'judged':
      return paid(bountyId, state, states, clock)
    default:
      return state satisfies never
  }
}

function expired(why: 'no_work' | 'not_judged', returned: ReturnType<typeof returnedMoney>): Advanced | Refusal {
  if ('outcome' in returned) return returned
  const { refundedMicros, ...moved } = returned
  return { ...moved, bounty: { type: 'BountyExpired', data: { why, refundedMicros } } }
}

/** The next round of judging; after the last one, the end. Judges cost money, so a frozen treasury delays both. */
function judgedAgain(
  bountyId: Uuid7,
  { judging: { next, round } }: SubmittedBounty,
  states: States,
  now: string,
): Advanced | Refusal {
  if (next === null || next.atMs > Date.parse(now)) return refused('nothing_due')
  if (next.isLast) return expired('not_judged', returnedMoney(bountyId, states, now))
  if (states.treasury.frozen) return refused('treasury_frozen')
  return {
    bounty: { type: 'BountyJudgingQueued', data: { round: round + 1 } },
    jobs: [{ kind: 'judge', on: bountyStream(bountyId) }],
  }
}

const paid = (bountyId: Uuid7, state: JudgedBounty, states: States, { now, worker }: Clock): Advanced | Refusal =>
  worker === state.worker ? paidOut(bountyId, state, states, now) : refused('not_the_worker', { worker: state.worker })
