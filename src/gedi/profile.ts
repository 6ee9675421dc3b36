import { maxCandidates } from '../events/election.ts'
import { scaleOf, toUnits } from './exact.ts'
import {
  GediError,
  type BallotKind,
  type Candidate,
  type Election,
  type RejectedBallot,
  type RejectionReason,
} from './election.ts'

/** Equal ballots and their common weight. `ballot` holds candidate indexes, or the scaled scores of all candidates. */
export type BallotGroup = { ballot: readonly number[]; weight: number }

/**
 * The accepted ballots of an election. Candidates are indexes, and equal ballots form one group, so neither names nor the order of
 * ballots can affect a count. Weights and scores are integers, so sums are exact in any order.
 */
export type Profile = {
  candidates: readonly Candidate[]
  groups: readonly BallotGroup[]
  /** The weight of all accepted ballots. */
  total: number
  /** Divides a sum of weights (and scores) to get the number to print. */
  unit: number
  seed: string | undefined
  /** The dictator's ranking by index. */
  dictator: readonly number[] | undefined
}

/** The lowest and the highest score of `range`. */
const scoreScale = { lowest: 0, highest: 100 }
/** Sums over all candidates stay exact below 2^53. */
const maxTotal = 2 ** 46

/** Parses an election for one kind of ballot. Throws GediError `candidates_invalid` or `weights_invalid`. Rejects invalid ballots. */
export function readProfile(kind: BallotKind, election: Election): { profile: Profile; rejected: RejectedBallot[] } {
  const { candidates, ballots, seed } = election
  const indexes = indexesOf(candidates)
  const weights = election.weights ?? ballots.map(() => 1)
  const weightScale = scaleOf(weights)
  if (weights.length !== ballots.length || weightScale === null || weights.some((weight) => weight < 0))
    throw new GediError('weights_invalid', 'weights are one per ballot, not negative, with at most six decimals')

  const rejected: RejectedBallot[] = []
  const accepted: { ballot: readonly number[]; weight: number }[] = []
  const parse = parserOf(kind, indexes)
  ballots.forEach((given, index) => {
    const ballot = parse(given)
    if (typeof ballot === 'string') rejected.push({ ballot: index, reason: ballot })
    else accepted.push({ ballot, weight: toUnits(weights[index] ?? 0, weightScale) })
  })
  const scoreUnits = kind === 'scores' ? (scaleOf(accepted.flatMap(({ ballot }) => ballot)) ?? 1) : 1
  const scaled =
    scoreUnits === 1
      ? accepted
      : accepted.map(({ ballot, weight }) => ({ ballot: ballot.map((score) => toUnits(score, scoreUnits)), weight }))
  const total = scaled.reduce((sum, { weight }) => sum + weight, 0)
  if (total * scoreUnits > maxTotal)
    throw new GediError('weights_invalid', 'the weights are too large or too fine to be added exactly')
  const dictator = election.dictator && parserOf('ranking', indexes)(election.dictator)
  const profile = {
    candidates,
    groups: grouped(scaled, kind === 'scores' ? scoreScale.highest * scoreUnits : maxCandidates),
    total,
    unit: weightScale * scoreUnits,
    seed,
    dictator: typeof dictator === 'string' ? undefined : dictator,
  }
  return { profile, rejected }
}

/** Why a ballot does not count in an election of these candidates; null if it does. */
export function rejectionOf(
  kind: BallotKind,
  candidates: readonly Candidate[],
  ballot: unknown,
): RejectionReason | null {
  const parsed = parserOf(kind, indexesOf(candidates))(ballot)
  return typeof parsed === 'string' ? parsed : null
}

function indexesOf(candidates: readonly Candidate[]): ReadonlyMap<unknown, number> {
  const names = new Set(candidates.map(String))
  if (candidates.length === 0 || candidates.length > maxCandidates || names.size !== candidates.length)
    throw new GediError('candidates_invalid', `an election has 1 to ${maxCandidates} different candidates`)
  return new Map(candidates.map((candidate, index) => [candidate, index]))
}

type Parse = (ballot: unknown) => readonly number[] | RejectionReason

function parserOf(kind: BallotKind, indexes: ReadonlyMap<unknown, number>): Parse {
  if (kind === 'scores') {
    const names = Array.from(indexes.keys(), String)
    return (ballot) => parseScores(ballot, names)
  }
  return (ballot) => {
    const parsed = parseList(ballot, indexes)
    if (typeof parsed === 'string') return parsed
    // The order within a set of approvals says nothing; sorted, equal sets form one group.
    if (kind === 'approvals') return parsed.toSorted((a, b) => a - b)
    return parsed.length === 0 ? 'empty' : parsed
  }
}

function parseList(ballot: unknown, indexes: ReadonlyMap<unknown, number>): number[] | RejectionReason {
  if (!Array.isArray(ballot)) return 'not_a_list'
  const parsed: number[] = []
  for (const candidate of ballot as unknown[]) {
    const index = indexes.get(candidate)
    if (index === undefined) return 'unknown_candidate'
    if (parsed.includes(index)) return 'repeated_candidate'
    parsed.push(index)
  }
  return parsed
}

function parseScores(ballot: unknown, names: readonly string[]): number[] | RejectionReason {
  if (typeof ballot !== 'object' || ballot === null || Array.isArray(ballot)) return 'not_scores'
  const parsed: number[] = []
  for (const name of names) {
    const score: unknown = Object.hasOwn(ballot, name) ? ballot[name as keyof typeof ballot] : undefined
    if (score === undefined) return 'missing_score'
    if (typeof score !== 'number' || (!Number.isSafeInteger(score) && scaleOf([score]) === null)) return 'not_scores'
    if (score < scoreScale.lowest || score > scoreScale.highest) return 'score_out_of_scale'
    parsed.push(score)
  }
  return Object.keys(ballot).length > parsed.length ? 'unknown_candidate' : parsed
}

/** The largest figure that fits into one character. */
const maxCharacter = 0xffff

/** Merges equal ballots, whose figures are at most `largest`. A key of one character for each figure is faster than a list of digits. */
function grouped(ballots: readonly BallotGroup[], largest: number): BallotGroup[] {
  const keyOf = (ballot: readonly number[]): string =>
    largest <= maxCharacter ? String.fromCharCode(...ballot) : ballot.join()
  const groups = new Map<string, { ballot: readonly number[]; weight: number }>()
  for (const { ballot, weight } of ballots) {
    const key = keyOf(ballot)
    const group = groups.get(key)
    if (group) group.weight += weight
    else groups.set(key, { ballot, weight })
  }
  return [...groups.values()]
}

/** Throws GediError `incomplete_ballots` if a ballot omits a candidate. */
export function assertComplete({ candidates, groups }: Profile): void {
  const incomplete = groups.find(({ ballot }) => ballot.length < candidates.length)
  if (incomplete)
    throw new GediError(
      'incomplete_ballots',
      `a ballot ranks ${incomplete.ballot.length} of ${candidates.length} candidates; this method needs complete rankings`,
    )
}
