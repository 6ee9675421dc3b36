import { z } from 'zod'
import { BountyVerdict } from '../../events/bounty.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { bounties, BountyStatus, selectBounties, selectBounty, type BountyRow } from '../../projections/bounties.ts'
import { always, type Query } from './query.ts'
import { Count, Micros, Positions, Time } from './fields.ts'
import { itemQuery, listByStatusQuery } from './row-queries.ts'

const Bounty = z
  .object({
    bounty: z.string(),
    status: BountyStatus,
    title: z.string(),
    rewardMicros: Micros,
    bonusMicros: Micros,
    deadline: Time,
    claimSeconds: Count,
    escrow: z.string().nullable().meta({ description: 'The account that holds its money; null before it is open.' }),
    proposedBy: z.string(),
    proposedAt: Time,
    openedBy: z.string().nullable(),
    openedAt: Time.nullable(),
    worker: z.string().nullable(),
    claimExpiresAt: Time.nullable(),
    submittedAt: Time.nullable(),
    judging: z.object({
      round: Count.meta({ description: 'From 1; 0 before the first.' }),
      attempts: Count,
      election: z.string().nullable(),
      failedWhy: z.string().nullable(),
      nextAt: Time.nullable(),
      calls: Count,
      costMicros: Micros,
    }),
    verdict: BountyVerdict.nullable(),
    paidMicros: Micros,
    refundedMicros: Micros.nullable(),
    endedWhy: z.string().nullable(),
    endedAt: Time.nullable(),
    positions: Positions,
  })
  .meta({ id: 'Bounty' })
const BountyInFull = Bounty.extend({
  task: z.string(),
  criteria: z.string(),
  work: z.string().nullable().meta({ description: 'What the worker submitted.' }),
}).meta({ id: 'BountyInFull' })

/** Bounties, newest first, and one of them with its texts. Amounts are integer micro-dollars. */
export const bountyQueries: readonly Query[] = [
  listByStatusQuery({
    path: '/v1/bounties',
    summary: 'Bounties, the newest first.',
    scope: 'chat:read',
    readModel: bounties,
    isCommon: always,
    name: 'bounties',
    row: Bounty,
    status: BountyStatus,
    select: selectBounties,
    cursorOf: (row) => row.bounty_id,
    print: printBounty,
  }),
  itemQuery({
    path: '/v1/bounties/:id',
    summary: 'One bounty, with its task, its criteria and its work.',
    scope: 'chat:read',
    readModel: bounties,
    isCommon: always,
    row: BountyInFull,
    id: Uuid7,
    notFound: 'there is no such bounty',
    select: selectBounty,
    print: (row) => ({ ...printBounty(row), task: row.task, criteria: row.criteria, work: row.work }),
  }),
]

function printBounty(row: BountyRow): z.output<typeof Bounty> {
  return {
    bounty: row.bounty_id,
    status: row.status,
    title: row.title,
    rewardMicros: row.reward_micros,
    bonusMicros: row.bonus_micros,
    deadline: row.deadline,
    claimSeconds: row.claim_seconds,
    escrow: row.opened_at === null ? null : `bounty:${row.bounty_id}`,
    proposedBy: row.proposed_by,
    proposedAt: row.proposed_at,
    openedBy: row.opened_by,
    openedAt: row.opened_at,
    worker: row.worker,
    claimExpiresAt: row.claim_expires_at,
    submittedAt: row.submitted_at,
    judging: {
      round: row.round,
      attempts: row.attempts,
      election: row.election_id,
      failedWhy: row.judging_failed_why,
      nextAt: row.judging_next_at,
      calls: row.judging_calls,
      costMicros: row.judging_micros,
    },
    verdict: row.verdict,
    paidMicros: row.paid_micros,
    refundedMicros: row.refunded_micros,
    endedWhy: row.ended_why,
    endedAt: row.ended_at,
    positions: { first: row.first_position, last: row.last_position },
  }
}
