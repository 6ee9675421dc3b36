import { z } from 'zod'
import { Micros, PositiveMicros } from './amounts.ts'
import { isEventOf, type EventOf, type RecordedEvent } from './event.ts'
import { AccountId, Uuid7, type StreamName } from './identifiers.ts'
import { isModelCallEvent, type ModelCallEvent } from './model-call.ts'

/**
 * `bounty/<bountyId>`: work that the council pays for, from its proposal to exactly one of `BountyAwarded`, `BountyRejected`,
 * `BountyExpired`, `BountyCancelled`. The money waits on the escrow, the account `bounty:<bountyId>`. Source: domain rules, "Bounty";
 * seed stories 11.2 and 21.1.
 */
export const maxTitleCharacters = 200
export const maxTaskCharacters = 16_000
export const maxCriteriaCharacters = 8_000
export const maxWorkCharacters = 64_000
export const maxBountyReasonCharacters = 400

/** Who does the work: an agent, which has an account, or a person, who is paid outside. */
export const BountyWorker = z
  .string()
  .regex(/^(agent:[A-Za-z0-9_.-]{1,64}|user:[A-Za-z0-9:_.@ -]{1,120})$/, 'must be agent:<id> or user:<subject>')
  .brand<'BountyWorker'>()
export type BountyWorker = z.infer<typeof BountyWorker>

/** The verdicts on work, from the worst to the best. The council elects one of them. */
export const bountyVerdicts = ['reject', 'reward', 'reward_and_bonus'] as const
export const BountyVerdict = z.enum(bountyVerdicts)
export type BountyVerdict = z.infer<typeof BountyVerdict>

/** Why a judging ended without a verdict. */
const judgingFaults = ['quorum', 'dictator', 'no_judges', 'crashed', 'over_budget', 'treasury_frozen'] as const
export const JudgingFault = z.enum(judgingFaults)
export type JudgingFault = z.infer<typeof JudgingFault>

/** Why a bounty expired. `no_work`: its deadline passed without work. `not_judged`: the council reached no verdict. */
const BountyExpiry = z.enum(['no_work', 'not_judged'])

/** What a bounty offers, and until when. The bonus comes on top of the reward. */
const offer = {
  rewardMicros: PositiveMicros,
  bonusMicros: Micros,
  /** Work that is submitted later is refused. */
  deadline: z.iso.datetime(),
  /** How long a worker may hold the bounty before it is open again. */
  claimSeconds: z.int().min(60).max(2_592_000),
}
export const BountyOffer = z.strictObject(offer)
export type BountyOffer = z.infer<typeof BountyOffer>

/** The text of a bounty, as its judges see it. */
const bountyText = {
  title: z.string().min(1).max(maxTitleCharacters),
  task: z.string().min(1).max(maxTaskCharacters),
  criteria: z.string().min(1).max(maxCriteriaCharacters),
}

const round = z.int().positive()
/** What returned to the reserve in the same append: everything that was on the escrow and was not paid. */
const refundedMicros = Micros

export const bountyEvents = {
  BountyProposed: {
    version: 1,
    summary: 'A bounty was proposed; no money has moved. `OpenBounty` records it together with `BountyOpened`.',
    data: z.strictObject({ bountyId: Uuid7, ...bountyText, ...offer }),
  },
  BountyOpened: {
    version: 1,
    summary: 'Reward and bonus moved from the reserve to the escrow in the same append, and the bounty may be claimed.',
    data: z.strictObject({
      ...offer,
      escrow: AccountId,
      /** The subject whose budget pays for the judging. */
      by: z.string().max(128),
    }),
  },
  BountyClaimed: {
    version: 1,
    summary: 'A worker claimed the bounty. Until `expiresAt` it alone may submit work.',
    data: z.strictObject({ worker: BountyWorker, expiresAt: z.iso.datetime() }),
  },
  ClaimExpired: {
    version: 1,
    summary: 'The claim timed out without work: the bounty is open again.',
    data: z.strictObject({ worker: BountyWorker }),
  },
  BountyWorkSubmitted: {
    version: 1,
    summary: 'The worker submitted its work. The same append created the job that judges it.',
    data: z.strictObject({ worker: BountyWorker, work: z.string().min(1).max(maxWorkCharacters) }),
  },
  BountyJudgingStarted: {
    version: 1,
    summary:
      'A worker process took the job. From here on every write of an older attempt is refused. All attempts of a round judge in the same election.',
    data: z.strictObject({ round, attempt: z.int().positive(), process: z.string().max(128), electionId: Uuid7 }),
  },
  BountyJudgingFailed: {
    version: 1,
    summary:
      'A round of judging ended without a verdict. At `nextAt` the clock begins the next round or, after the last one, ends the bounty.',
    data: z.strictObject({ round, why: JudgingFault, nextAt: z.iso.datetime(), isLast: z.boolean() }),
  },
  BountyJudgingQueued: {
    version: 1,
    summary: 'The clock queued the next round of judging.',
    data: z.strictObject({ round }),
  },
  BountyJudged: {
    version: 1,
    summary: 'The council elected its verdict. Money moves with the event that ends the bounty.',
    data: z.strictObject({ electionId: Uuid7, verdict: BountyVerdict, judgedAt: z.iso.datetime() }),
  },
  BountyAwarded: {
    version: 1,
    summary:
      'The bounty ended: the worker was paid from the escrow, the reward and the bonus as the verdict says, and the rest returned to the reserve.',
    data: z.strictObject({ worker: BountyWorker, account: AccountId, paidMicros: Micros, refundedMicros }),
  },
  BountyRejected: {
    version: 1,
    summary: 'The bounty ended: the council rejected the work, and everything returned to the reserve.',
    data: z.strictObject({ worker: BountyWorker, refundedMicros }),
  },
  BountyExpired: {
    version: 1,
    summary: 'The bounty ended without a verdict, and everything returned to the reserve.',
    data: z.strictObject({ why: BountyExpiry, refundedMicros }),
  },
  BountyCancelled: {
    version: 1,
    summary: 'The bounty was cancelled before work was submitted, and everything returned to the reserve.',
    data: z.strictObject({ reason: z.string().min(1).max(maxBountyReasonCharacters), refundedMicros }),
  },
} as const

/** An event of a bounty: its own, or one of the model calls of its judging. */
export type BountyEvent = EventOf<typeof bountyEvents> | ModelCallEvent
const isOwnEvent = isEventOf(bountyEvents)
export const isBountyEvent = (event: RecordedEvent): event is RecordedEvent<BountyEvent> =>
  isOwnEvent(event) || (isModelCallEvent(event) && event.stream.startsWith('bounty/'))

export const bountyStream = (bountyId: Uuid7) => `bounty/${bountyId}` as StreamName<'bounty'>

/** The account that holds the money of a bounty until it ends. */
export const escrowOf = (bountyId: Uuid7): AccountId => AccountId.parse(`bounty:${bountyId}`)
