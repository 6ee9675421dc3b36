import { live, liveRows } from '../live.ts'

export type Status =
  'proposed' | 'open' | 'claimed' | 'submitted' | 'judged' | 'awarded' | 'rejected' | 'expired' | 'cancelled'

/** A row of `GET /v1/bounties`. */
export type BountyRow = {
  bounty: string
  status: Status
  title: string
  rewardMicros: number
  bonusMicros: number
  deadline: string
  /** The account that holds the money; null before it is funded. */
  escrow: string | null
  proposedBy: string
  proposedAt: string
  openedBy: string | null
  openedAt: string | null
  worker: string | null
  claimExpiresAt: string | null
  submittedAt: string | null
  judging: {
    round: number
    attempts: number
    election: string | null
    failedWhy: string | null
    nextAt: string | null
    calls: number
    costMicros: number
  }
  verdict: 'reject' | 'reward' | 'reward_and_bonus' | null
  paidMicros: number
  refundedMicros: number | null
  endedWhy: string | null
  endedAt: string | null
  positions: { first: string; last: string }
}

/** One bounty with its texts. */
export type Bounty = BountyRow & { task: string; criteria: string; work: string | null }

export const bounties = liveRows<BountyRow>(() => 'bounties?limit=1000', 'bounties')
export const bountyOf = (bountyId: string) => live<Bounty>(`bounties/${encodeURIComponent(bountyId)}`)

/** The columns of the board, and the states of a bounty in each. */
export const columns: readonly { name: string; of: readonly Status[]; nothing: string }[] = [
  { name: 'Proposed', of: ['proposed'], nothing: 'Nothing waits to be funded.' },
  { name: 'Open', of: ['open'], nothing: 'Nothing can be claimed.' },
  { name: 'Claimed', of: ['claimed'], nothing: 'No one is at work.' },
  { name: 'In judgement', of: ['submitted', 'judged'], nothing: 'No work waits for a verdict.' },
  { name: 'Ended', of: ['awarded', 'rejected', 'expired', 'cancelled'], nothing: 'None has ended.' },
]

export const verdicts: Readonly<Record<NonNullable<BountyRow['verdict']>, string>> = {
  reject: 'no reward',
  reward: 'the reward',
  reward_and_bonus: 'the reward and the bonus',
}
