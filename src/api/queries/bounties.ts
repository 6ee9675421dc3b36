import { Uuid7 } from '../../events/identifiers.ts'
import { bounties, BountyStatus, selectBounties, selectBounty, type BountyRow } from '../../projections/bounties.ts'
import type { Query } from './query.ts'
import { itemQuery, listByStatusQuery } from './row-queries.ts'

/** Bounties, newest first, and one of them with its texts. Amounts are integer micro-dollars. */
export const bountyQueries: readonly Query[] = [
  listByStatusQuery({
    path: '/v1/bounties',
    scope: 'chat:read',
    readModel: bounties,
    name: 'bounties',
    status: BountyStatus,
    select: selectBounties,
    cursorOf: (row) => row.bounty_id,
    print: printBounty,
  }),
  itemQuery({
    path: '/v1/bounties/:id',
    scope: 'chat:read',
    readModel: bounties,
    id: Uuid7,
    notFound: 'there is no such bounty',
    select: selectBounty,
    print: (row) => ({ ...printBounty(row), task: row.task, criteria: row.criteria, work: row.work }),
  }),
]

function printBounty(row: BountyRow) {
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
