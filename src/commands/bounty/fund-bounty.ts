import { z } from 'zod'
import { bountyStream } from '../../events/bounty.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { bounty } from '../aggregates/bounty.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { escrowAggregates, escrowReads, funded } from './escrow.ts'
import { statusProblem } from './status.ts'

/**
 * Opens a proposed bounty: reward and bonus move from the reserve to its escrow. Refused once its deadline has passed. Only
 * a person funds what was proposed.
 */
export const FundBounty = defineCommand({ bounty, ...escrowAggregates })({
  name: 'FundBounty',
  startsWork: true,
  schema: z.strictObject({ bountyId: Uuid7 }),
  recordsRefusals: true,
  reads: ({ bountyId }) => ({ bounty: bountyStream(bountyId), ...escrowReads(bountyId) }),

  decide({ bountyId }, states, context) {
    if (states.bounty.status !== 'proposed') return statusProblem(states.bounty)
    const { offer } = states.bounty
    if (Date.parse(offer.deadline) <= Date.parse(context.now))
      return refused('deadline_passed', { deadline: offer.deadline })
    const moved = funded(bountyId, offer, states, context)
    if ('outcome' in moved) return moved
    const { bounty: event, ...accounts } = moved
    return { outcome: 'accepted', events: { bounty: [event], ...accounts } }
  },
})
