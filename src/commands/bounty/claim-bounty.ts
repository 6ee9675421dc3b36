import { z } from 'zod'
import { accountStream } from '../../events/account.ts'
import { bountyStream, BountyWorker, type BountyEvent } from '../../events/bounty.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { account } from '../aggregates/account.ts'
import { bounty } from '../aggregates/bounty.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { mayActFor, payeeOf } from './claimant.ts'
import { statusProblem } from './status.ts'

/**
 * Claims a bounty for a worker, alone and for a limited time. A claim that has timed out makes way even before the clock has noticed.
 * An agent needs an account, on which it is paid.
 */
export const ClaimBounty = defineCommand({ bounty, payee: account })({
  name: 'ClaimBounty',
  schema: z.strictObject({ bountyId: Uuid7, worker: BountyWorker }),
  recordsRefusals: true,
  stake: () => ({ costMicros: 0, risk: 'low' }),
  reads: ({ bountyId, worker }) => ({ bounty: bountyStream(bountyId), payee: accountStream(payeeOf(worker)) }),

  decide({ bountyId: _, worker }, states, { now, principal }) {
    const { bounty: state, payee } = states
    if (!mayActFor(principal, worker)) return refused('not_the_worker', { worker })
    if (state.status !== 'open' && state.status !== 'claimed') return statusProblem(state)
    const { deadline, claimSeconds } = state.offer
    const nowMs = Date.parse(now)
    if (Date.parse(deadline) <= nowMs) return refused('deadline_passed', { deadline })
    if (state.status === 'claimed' && state.claimEndsAtMs > nowMs) return statusProblem(state)
    if (payeeOf(worker) !== 'external' && payee.status === 'absent')
      return refused('account_unknown', { account: payeeOf(worker) })
    const freed: BountyEvent[] =
      state.status === 'claimed' ? [{ type: 'ClaimExpired', data: { worker: state.worker } }] : []
    const expiresAt = new Date(nowMs + claimSeconds * 1_000).toISOString()
    return {
      outcome: 'accepted',
      events: { bounty: [...freed, { type: 'BountyClaimed', data: { worker, expiresAt } }] },
    }
  },
})
