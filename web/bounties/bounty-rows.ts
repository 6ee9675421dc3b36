import { signal } from '@preact/signals'
import { load, loading, type Loaded } from '../loaded.ts'
import { council, faultOf } from '../server.ts'

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

export const bounties = loading<readonly BountyRow[]>()
export const loadBounties = (): Promise<void> => load(bounties, '/v1/bounties', 'bounties')

/** The bounty whose story is shown. */
export const opened = signal<Loaded<Bounty>>({ state: 'loading' })

export async function loadBounty(bountyId: string): Promise<void> {
  opened.value = { state: 'loading' }
  try {
    const { body } = await council.read<Bounty>(`/v1/bounties/${encodeURIComponent(bountyId)}`)
    opened.value = { state: 'there', value: body }
  } catch (error) {
    opened.value = { state: 'failed', why: faultOf(error) }
  }
}

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
