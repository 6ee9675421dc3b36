import type { BountyEvent, BountyOffer, BountyVerdict, BountyWorker } from '../../events/bounty.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import type { Aggregate } from '../decider.ts'
import { callsAfter, noCalls, type PaidCalls } from '../paid-calls.ts'

/** After this many rounds of judging that failed for good reason the bounty expires. Source: domain rules, "Bounty". */
export const maxFailedRounds = 4

/**
 * The judging of submitted work. A round is one election; its attempts are those of the worker processes that hold it. Exactly one of
 * these moves it on: a job, while `next` is null, or the clock.
 */
export type Judging = PaidCalls & {
  round: number
  /** Counts on over all rounds, so that no attempt of an earlier round can write. */
  attempt: number
  /** The attempts of this round. */
  attemptsInRound: number
  /** The election of the round; null before its first attempt. */
  electionId: Uuid7 | null
  /** The rounds that count as failed. */
  failedRounds: number
  next: { atMs: number; isLast: boolean } | null
}

export type ProposedBounty = { status: 'proposed'; offer: BountyOffer }
export type OpenBounty = { status: 'open'; offer: BountyOffer }
export type ClaimedBounty = { status: 'claimed'; offer: BountyOffer; worker: BountyWorker; claimEndsAtMs: number }
export type SubmittedBounty = { status: 'submitted'; offer: BountyOffer; worker: BountyWorker; judging: Judging }
export type JudgedBounty = {
  status: 'judged'
  offer: BountyOffer
  worker: BountyWorker
  verdict: BountyVerdict
  judgedAtMs: number
}
type LiveBounty = ProposedBounty | OpenBounty | ClaimedBounty | SubmittedBounty | JudgedBounty

/** The state of a bounty. It has no texts, which only people and judges read; a finished bounty keeps only its status. */
export type Bounty = { status: 'absent' } | LiveBounty | { status: 'finished' }

const finished: Bounty = { status: 'finished' }

export const bounty: Aggregate<Bounty, BountyEvent, 'bounty'> = {
  category: 'bounty',
  stateVersion: 1,
  initial: { status: 'absent' },
  finished,
  evolve,
  nextDeadlineMs,
  unfinishedJob: (state) => (state.status === 'submitted' && state.judging.next === null ? 'judge' : null),
}

/** When the clock has something to do on a bounty: what it is, `AdvanceBounty` decides. */
function nextDeadlineMs(state: Bounty): number | null {
  switch (state.status) {
    case 'absent':
    case 'finished':
      return null
    case 'proposed':
    case 'open':
      return Date.parse(state.offer.deadline)
    case 'claimed':
      return Math.min(Date.parse(state.offer.deadline), state.claimEndsAtMs)
    case 'submitted':
      return state.judging.next?.atMs ?? null
    case 'judged':
      return state.judgedAtMs
    default:
      return state satisfies never
  }
}

const firstRound: Judging = {
  round: 1,
  attempt: 0,
  attemptsInRound: 0,
  electionId: null,
  failedRounds: 0,
  next: null,
  ...noCalls,
}

/** Throws on an inconsistent sequence of events. */
function evolve(state: Bounty, event: BountyEvent): Bounty {
  switch (event.type) {
    case 'BountyProposed': {
      const { rewardMicros, bonusMicros, deadline, claimSeconds } = event.data
      const offer = { rewardMicros, bonusMicros, deadline, claimSeconds }
      return { ...from(state, event, 'absent'), status: 'proposed', offer }
    }
    case 'BountyOpened':
      return { ...from(state, event, 'proposed'), status: 'open' }
    case 'BountyClaimed': {
      const { worker, expiresAt } = event.data
      return { ...from(state, event, 'open'), status: 'claimed', worker, claimEndsAtMs: Date.parse(expiresAt) }
    }
    case 'ClaimExpired':
      return { status: 'open', offer: from(state, event, 'claimed').offer }
    case 'BountyWorkSubmitted': {
      const { offer, worker } = from(state, event, 'claimed')
      return { status: 'submitted', offer, worker, judging: firstRound }
    }
    case 'BountyJudgingStarted':
    case 'BountyJudgingFailed':
    case 'BountyJudgingQueued':
    case 'ModelCallStarted':
    case 'ModelCallEnded': {
      const before = from(state, event, 'submitted')
      return { ...before, judging: judgingAfter(before.judging, event) }
    }
    case 'BountyJudged': {
      const { offer, worker } = from(state, event, 'submitted')
      const { verdict, judgedAt } = event.data
      return { status: 'judged', offer, worker, verdict, judgedAtMs: Date.parse(judgedAt) }
    }
    case 'BountyAwarded':
    case 'BountyRejected':
      from(state, event, 'judged')
      return finished
    case 'BountyExpired':
      from(state, event, 'proposed', 'open', 'claimed', 'submitted')
      return finished
    case 'BountyCancelled':
      from(state, event, 'proposed', 'open', 'claimed')
      return finished
    default:
      return event satisfies never
  }
}

type JudgingEvent = Extract<
  BountyEvent,
  {
    type: 'BountyJudgingStarted' | 'BountyJudgingFailed' | 'BountyJudgingQueued' | 'ModelCallStarted' | 'ModelCallEnded'
  }
>

function judgingAfter(judging: Judging, event: JudgingEvent): Judging {
  switch (event.type) {
    case 'BountyJudgingStarted':
      return {
        ...judging,
        attempt: event.data.attempt,
        attemptsInRound: judging.attemptsInRound + 1,
        electionId: event.data.electionId,
      }
    case 'BountyJudgingFailed': {
      const { why, nextAt, isLast } = event.data
      const failedRounds = judging.failedRounds + (isHindered(why) ? 0 : 1)
      return { ...judging, failedRounds, next: { atMs: Date.parse(nextAt), isLast } }
    }
    case 'BountyJudgingQueued':
      return { ...judging, round: event.data.round, attemptsInRound: 0, electionId: null, next: null }
    case 'ModelCallStarted':
    case 'ModelCallEnded':
      return { ...judging, ...callsAfter(judging, event) }
    default:
      return event satisfies never
  }
}

/** Whether the council could not judge for lack of money: such a round says nothing about the work, and does not count. */
export const isHindered = (why: string): boolean => why === 'over_budget' || why === 'treasury_frozen'

type Status = Bounty['status']
type In<S extends Status> = Extract<Bounty, { status: S }>

/** The state, if it is one in which the event can happen. */
function from<const S extends Status>(state: Bounty, { type }: BountyEvent, ...allowed: S[]): In<S> {
  if (!isIn(state, allowed)) throw new Error(`${type} on a bounty that is ${state.status}`)
  return state
}

const isIn = <S extends Status>(state: Bounty, allowed: readonly S[]): state is In<S> =>
  allowed.some((status) => status === state.status)
