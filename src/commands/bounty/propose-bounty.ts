import { z } from 'zod'
import { bountyStream } from '../../events/bounty.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { bounty } from '../aggregates/bounty.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { offerProblem, proposal } from './offer.ts'

/** Proposes a bounty without moving money: `FundBounty` opens it, and its deadline ends it. */
export const ProposeBounty = defineCommand({ bounty })({
  name: 'ProposeBounty',
  startsWork: true,
  schema: z.strictObject({ bountyId: Uuid7, ...proposal }),
  recordsRefusals: true,
  stake: () => ({ costMicros: 0, risk: 'low' }),
  reads: ({ bountyId }) => ({ bounty: bountyStream(bountyId) }),

  decide(proposed, states, { now }) {
    if (states.bounty.status !== 'absent') return refused('bounty_exists')
    const problem = offerProblem(proposed, now)
    if (problem) return problem
    return { outcome: 'accepted', events: { bounty: [{ type: 'BountyProposed', data: proposed }] } }
  },
})
