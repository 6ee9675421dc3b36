import { z } from 'zod'
import { bountyStream, maxBountyReasonCharacters } from '../../events/bounty.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { bounty } from '../aggregates/bounty.ts'
import { defineCommand } from '../decider.ts'
import { escrowAggregates, escrowReads, nothingMoved, returnedMoney } from './escrow.ts'
import { statusProblem } from './status.ts'

/** Cancels a bounty before work is submitted: everything returns to the reserve. */
export const CancelBounty = defineCommand({ bounty, ...escrowAggregates })({
  name: 'CancelBounty',
  schema: z.strictObject({ bountyId: Uuid7, reason: z.string().trim().min(1).max(maxBountyReasonCharacters) }),
  recordsRefusals: true,
  stake: () => ({ costMicros: 0, risk: 'medium' }),
  reads: ({ bountyId }) => ({ bounty: bountyStream(bountyId), ...escrowReads(bountyId) }),

  decide({ bountyId, reason }, states, { now }) {
    const { status } = states.bounty
    if (status !== 'proposed' && status !== 'open' && status !== 'claimed') return statusProblem(states.bounty)
    const returned = status === 'proposed' ? nothingMoved : returnedMoney(bountyId, states, now)
    if ('outcome' in returned) return returned
    const { refundedMicros, ...moved } = returned
    return {
      outcome: 'accepted',
      events: { bounty: [{ type: 'BountyCancelled', data: { reason, refundedMicros } }], ...moved },
    }
  },
})
