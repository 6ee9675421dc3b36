import type { AccountEvent } from '../../../src/events/account.ts'
import { bountyStream, bountyVerdicts, BountyWorker, type BountyEvent } from '../../../src/events/bounty.ts'
import type { ElectionEvent } from '../../../src/events/election.ts'
import { AccountId, Uuid7 } from '../../../src/events/identifiers.ts'

export const bountyId = Uuid7.parse('0199a0b0-0000-7000-8000-0000000000b0')
export const electionId = Uuid7.parse('0199a0b0-0000-7000-8000-0000000000e1')
export const stream = bountyStream(bountyId)
export const escrow = AccountId.parse(`bounty:${bountyId}`)
export const worker = BountyWorker.parse('agent:ada')
/** The time of a decision in tests. */
export const now = '2026-11-23T12:00:00.000Z'
export const later = (seconds: number, from = now): string => new Date(Date.parse(from) + seconds * 1_000).toISOString()

export const offer = { rewardMicros: 700, bonusMicros: 300, deadline: later(7_200), claimSeconds: 3_600 }
export const text = { title: 'A list', task: 'List the planets.', criteria: 'All eight, in order.' }

export const proposed: BountyEvent = { type: 'BountyProposed', data: { bountyId, ...text, ...offer } }
export const openedBounty: BountyEvent = { type: 'BountyOpened', data: { ...offer, escrow, by: 'ada' } }
export const claimed: BountyEvent = { type: 'BountyClaimed', data: { worker, expiresAt: later(3_600) } }
const submitted: BountyEvent = { type: 'BountyWorkSubmitted', data: { worker, work: 'Mercury, …' } }
export const judging = (attempt: number, round = 1): BountyEvent => ({
  type: 'BountyJudgingStarted',
  data: { round, attempt, process: `worker-${attempt}`, electionId },
})
export const judged = (verdict: (typeof bountyVerdicts)[number]): BountyEvent => ({
  type: 'BountyJudged',
  data: { electionId, verdict, judgedAt: now },
})
export const failedRound = (round: number, isLast = false): BountyEvent => ({
  type: 'BountyJudgingFailed',
  data: { round, why: 'quorum', nextAt: now, isLast },
})

/** The histories that lead to each state of a funded bounty. */
export const open = [proposed, openedBounty]
export const held = [...open, claimed]
export const handedIn = [...held, submitted]

const accountOf = (id: AccountId, amountMicros: number): AccountEvent[] => [
  { type: 'AccountOpened', data: { accountId: id } },
  { type: 'AccountCredited', data: { transferId: 'seed', amountMicros, reason: 'seed' } },
]
export const reserveWith = (amountMicros: number): AccountEvent[] => accountOf(AccountId.parse('reserve'), amountMicros)
export const escrowWith = (amountMicros: number): AccountEvent[] => accountOf(escrow, amountMicros)
export const accountOfAda: AccountEvent[] = [
  { type: 'AccountOpened', data: { accountId: AccountId.parse('agent:ada') } },
]

/** The election of a round; label `A` means `reject`, `B` `reward`, and `C` `reward_and_bonus`. */
export const electionOpened: ElectionEvent = {
  type: 'ElectionOpened',
  data: {
    electionId,
    purpose: 'bounty',
    ref: bountyId,
    candidates: bountyVerdicts.map((standsFor, index) => ({ label: 'ABC'.charAt(index), standsFor })),
    electorate: ['analyst', 'sceptic', 'pragmatist'].map((member) => ({ member, weight: 1 })),
    ownCandidateAllowed: false,
    method: 'ranked_pairs',
    quorum: 2,
    seed: '0123456789abcdef',
    openedAt: now,
  },
}
export const voted = (member: string, ballot: string): ElectionEvent => ({
  type: 'BallotCast',
  data: { member, ballot: ballot.split('') },
})
