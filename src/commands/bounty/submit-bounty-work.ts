import { z } from 'zod'
import { bountyStream, maxWorkCharacters } from '../../events/bounty.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { bounty } from '../aggregates/bounty.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { mayActFor } from './claimant.ts'
import { statusProblem } from './status.ts'

/** Submits the work of the claimer, while its claim and the deadline last. The same append creates the job that judges it. */
export const SubmitBountyWork = defineCommand({ bounty })({
  name: 'SubmitBountyWork',
  schema: z.strictObject({
    bountyId: Uuid7,
    work: z
      .string()
      .trim()
      .min(1)
      .max(maxWorkCharacters)
      .refine((written) => written.isWellFormed(), 'must be well-formed'),
  }),
  recordsRefusals: true,
  stake: () => ({ costMicros: 0, risk: 'low' }),
  reads: ({ bountyId }) => ({ bounty: bountyStream(bountyId) }),

  decide({ bountyId, work }, states, { now, principal }) {
    const { bounty: state } = states
    if (state.status !== 'claimed') return statusProblem(state)
    const { worker, offer, claimEndsAtMs } = state
    if (!mayActFor(principal, worker)) return refused('not_the_worker', { worker })
    const nowMs = Date.parse(now)
    if (Date.parse(offer.deadline) <= nowMs) return refused('deadline_passed', { deadline: offer.deadline })
    if (claimEndsAtMs <= nowMs) return refused('claim_expired', { expiresAt: new Date(claimEndsAtMs).toISOString() })
    return {
      outcome: 'accepted',
      events: { bounty: [{ type: 'BountyWorkSubmitted', data: { worker, work } }] },
      jobs: [{ kind: 'judge', on: bountyStream(bountyId) }],
    }
  },
})
