import { z } from 'zod'
import { isEventOf, type EventOf } from './event.ts'
import { Uuid7, type StreamName } from './identifiers.ts'

/**
 * `election/<electionId>`: one vote of the council, from its rules and its seed to exactly one of `ElectionDecided`, `ElectionFailed`.
 * The election of an answer has the id of its request.
 */
export const votingMethods = [
  'plurality',
  'borda',
  'bucklin',
  'irv',
  'minimax',
  'ranked_pairs',
  'schulze',
  'approval',
  'range',
  'blind_dictator',
  'informed_dictator',
  'random',
] as const
export const VotingMethod = z.enum(votingMethods)
export type VotingMethod = z.infer<typeof VotingMethod>

/** The most candidates, and the most members, of an election. */
export const maxCandidates = 50
const maxElectorate = 50

export const MemberId = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'must be a-z, 0-9, _ and -, and start with a letter')
/** The anonymous name of a candidate, such as `A`. */
const CandidateLabel = z.string().min(1).max(32)

/** A label and its meaning. Judges see labels only. */
const ElectionCandidate = z.strictObject({
  label: CandidateLabel,
  standsFor: z.string().min(1).max(128),
  /** The member that may not vote for it, because it is its own. */
  author: MemberId.optional(),
})

/** A ranking (best first) or a set of approved labels; or a score for each label. */
export const CastableBallot = z.union([
  z.array(CandidateLabel).max(maxCandidates),
  z.record(CandidateLabel, z.number().min(0).max(100)),
])
export type CastableBallot = z.infer<typeof CastableBallot>

/** Why a member has no ballot in the count. */
export const ballotFaults = ['invalid', 'model_failed', 'late'] as const
export type BallotFault = (typeof ballotFaults)[number]

export const ElectionRules = z.strictObject({
  purpose: z.enum(['answer', 'bounty']),
  /** The request or the bounty that the election decides. */
  ref: z.string().min(1).max(128),
  candidates: z.array(ElectionCandidate).min(1).max(maxCandidates),
  electorate: z
    .array(z.strictObject({ member: MemberId, weight: z.number().positive().max(1_000) }))
    .min(1)
    .max(maxElectorate),
  /** Whether a member may vote for its own candidate. */
  ownCandidateAllowed: z.boolean(),
  method: VotingMethod,
  /** The fewest ballots that decide. */
  quorum: z.int().positive().max(maxElectorate),
  /** Decides ties and draws. It is fixed before the first ballot. */
  seed: z.string().min(16).max(128),
  /** The member whose ballot decides under `informed_dictator`. */
  dictator: MemberId.optional(),
})
export type ElectionRules = z.infer<typeof ElectionRules>

const tally = z.record(z.string(), z.number())

export const electionEvents = {
  ElectionOpened: {
    version: 1,
    summary: 'An election opened. Its rules, candidates and seed are fixed from here on.',
    data: z.strictObject({ electionId: Uuid7, ...ElectionRules.shape, openedAt: z.iso.datetime() }),
  },
  BallotCast: {
    version: 1,
    summary: 'A member voted.',
    data: z.strictObject({
      member: MemberId,
      ballot: CastableBallot,
      /** The model call that wrote the ballot. */
      callId: z.string().max(128).optional(),
    }),
  },
  BallotRejected: {
    version: 1,
    summary: 'A member has abstained: its ballot was invalid, or it gave none.',
    data: z.strictObject({
      member: MemberId,
      why: z.enum(ballotFaults),
      /** The start of what the member gave instead. */
      given: z.string().max(500).optional(),
      callId: z.string().max(128).optional(),
    }),
  },
  ElectionDecided: {
    version: 1,
    summary: 'The ballots were counted.',
    data: z.strictObject({
      method: VotingMethod,
      /** All candidates that the method elects. */
      winners: z.array(CandidateLabel).min(1).max(maxCandidates),
      /** The one that is taken. */
      winner: CandidateLabel,
      /** How one of several winners was taken. Absent if there is one. */
      tieBreak: z.strictObject({ among: z.array(CandidateLabel).min(1), by: z.literal('seed') }).optional(),
      /** Groups of equals, best first. */
      order: z.array(z.array(CandidateLabel).min(1)).min(1),
      tally,
      trace: z.array(z.string().max(2_000)).max(10_000),
      ballots: z.int().nonnegative(),
      quorumMet: z.literal(true),
    }),
  },
  ElectionFailed: {
    version: 1,
    summary: 'The election ended without a result.',
    data: z.strictObject({
      why: z.enum(['quorum', 'dictator']),
      ballots: z.int().nonnegative(),
      quorum: z.int().positive(),
    }),
  },
} as const

export type ElectionEvent = EventOf<typeof electionEvents>
export const isElectionEvent = isEventOf(electionEvents)

export const electionStream = (electionId: Uuid7) => `election/${electionId}` as StreamName<'election'>
