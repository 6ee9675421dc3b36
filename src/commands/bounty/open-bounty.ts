import { z } from 'zod'
import { bountyStream } from '../../events/bounty.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { bounty } from '../aggregates/bounty.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { escrowAggregates, escrowReads, funded } from './escrow.ts'
import { offerProblem, proposal } from './offer.ts'

/** Proposes a bounty and funds it, in one append: reward and bonus move from the reserve to its escrow. */
export const OpenBounty = defineCommand({ bounty, ...escrowAggregates })({
  name: 'OpenBounty',
  startsWork: true,
  schema: z.strictObject({ bountyId: Uuid7, ...proposal }),
  recordsRefusals: true,
  stake: ({ rewardMicros, bonusMicros }) => ({ costMicros: rewardMicros + bonusMicros, risk: 'medium' }),
  reads: ({ bountyId }) => ({ bounty: bountyStream(bountyId), ...escrowReads(bountyId) }),

  decide(proposed, states, context) {
    if (states.bounty.status !== 'absent') return refused('bounty_exists')
    const problem = offerProblem(proposed, context.now)
    if (problem) return problem
    const moved = funded(proposed.bountyId, proposed, states, context)
    if ('outcome' in moved) return moved
    const { bounty: event, ...accounts } = moved
    return { outcome: 'accepted', events: { bounty: [{ type: 'BountyProposed', data: proposed }, event], ...accounts } }
  },
})
