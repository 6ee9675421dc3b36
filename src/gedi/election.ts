import { votingMethods, type VotingMethod } from '../events/election.ts'
import { CodedError } from '../platform/coded-error.ts'

/** `GEDI` (General Electoral Decision-making Interface): vote counting. Source: Zhao, Wang and Peng, arXiv 2410.15168. */
export type MethodName = VotingMethod
export const methodNames = votingMethods

export type Candidate = string | number

/** A strict ranking (best first), a set of approved candidates, or a score for every candidate. */
export type BallotKind = 'ranking' | 'approvals' | 'scores'

/** The input of a count. */
export type Election = {
  candidates: readonly Candidate[]
  ballots: readonly unknown[]
  /** One weight per ballot, each 1 by default. Not negative, with at most six decimals. */
  weights?: readonly number[] | undefined
  /** Decides `random`, and which ballot `blind_dictator` takes. */
  seed?: string | undefined
  /** The ranking that decides under `informed_dictator`. */
  dictator?: readonly Candidate[] | undefined
}

export const rejectionReasons = [
  'not_a_list',
  'empty',
  'unknown_candidate',
  'repeated_candidate',
  'not_scores',
  'missing_score',
  'score_out_of_scale',
] as const
export type RejectionReason = (typeof rejectionReasons)[number]
/** `ballot` is the index in the input. */
export type RejectedBallot = { ballot: number; reason: RejectionReason }

/** The result of a count. */
export type Outcome = {
  method: MethodName
  /** The candidates that no rule of the method tells apart at the top, in the order of the input. */
  winners: Candidate[]
  /** All candidates, best first. The candidates of one group are tied: they share a dense rank. */
  order: Candidate[][]
  /** The figure of each candidate. Its unit depends on the method; `docs/gedi.md` lists it. */
  tally: Record<string, number>
  /** How the method arrived at the result: first the reason in one sentence, then rounds, margins or locked pairs. */
  trace: string[]
  rejected: RejectedBallot[]
}

export const gediErrorCodes = [
  'candidates_invalid',
  'weights_invalid',
  'incomplete_ballots',
  'seed_missing',
  'dictator_missing',
] as const
export type GediErrorCode = (typeof gediErrorCodes)[number]

/** The election cannot be counted under this method. */
export class GediError extends CodedError<GediErrorCode> {}
