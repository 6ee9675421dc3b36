import { count, methods } from './count.ts'
import {
  GediError,
  methodNames,
  type Candidate,
  type Election,
  type GediErrorCode,
  type MethodName,
} from './election.ts'
import { condorcetWinnerOf, majoritiesOf, marginsOf, type Margins } from './pairwise.ts'
import { assertComplete, readProfile, type Profile } from './profile.ts'
import { wordsOf } from './words.ts'

/** The result of one method on the ballots of an election. */
export type ComparedMethod = { method: MethodName; why: string } & (
  { counted: true; winners: Candidate[]; order: Candidate[][] } | { counted: false; code: GediErrorCode }
)

export type Comparison = {
  methods: ComparedMethod[]
  /** The candidate that beats every other one in pairs; null if there is none. */
  condorcetWinner: Candidate | null
  /** The property of the ballots that lets methods differ; null if all methods elect the same winners. */
  reason: string | null
}

/**
 * Counts the same rankings under every method. `approval` counts the upper half of each ranking as approved. `range` gives each
 * candidate one point for every place above the last. Throws GediError `candidates_invalid` or `weights_invalid`.
 */
export function compareMethods(election: Election): Comparison {
  const { profile } = readProfile('ranking', election)
  const margin = marginsOf(profile)
  const condorcet = condorcetWinnerOf(profile.candidates.length, margin)
  const compared = methodNames.map((method) => countUnder(method, election, profile))
  const winnerSets = new Set(compared.flatMap((one) => (one.counted ? [one.winners.join('\n')] : [])))
  return {
    methods: compared,
    condorcetWinner: profile.candidates.find((_, index) => index === condorcet) ?? null,
    reason: winnerSets.size < 2 ? null : reasonOf(profile, margin, condorcet),
  }
}

function reasonOf(profile: Profile, margin: Margins, condorcet: number | undefined): string {
  const { name, amount } = wordsOf(profile)
  const majorities = majoritiesOf([...profile.candidates.keys()], margin)
  if (majorities.length === 0) return 'no candidate beats another in pairs'
  if (condorcet === undefined)
    return 'no candidate beats every other one in pairs; each method that compares pairs resolves the cycle or tie by its own rule'
  const narrowest = majorities.findLast(({ winner }) => winner === condorcet)
  const by = narrowest ? ` (${name(narrowest.loser)} most narrowly, by ${amount(narrowest.margin)})` : ''
  return `${name(condorcet)} beats every other candidate in pairs${by}; a method that counts places or draws lots may elect another`
}

function countUnder(method: MethodName, election: Election, rankings: Profile): ComparedMethod {
  try {
    if (methods[method].needsAllCandidates) assertComplete(rankings)
    const { winners, order, trace } = count(method, { ...election, ballots: ballotsFor(method, election) })
    return { method, counted: true, winners, order, why: trace[0] ?? '' }
  } catch (error) {
    if (!(error instanceof GediError)) throw error
    return { method, counted: false, code: error.code, why: error.message }
  }
}

/** Rankings as the ballots of a method. */
function ballotsFor(method: MethodName, { ballots, candidates }: Election): readonly unknown[] {
  if (method !== 'approval' && method !== 'range') return ballots
  return ballots.map((ballot) => {
    if (!Array.isArray(ballot)) return ballot
    const ranking = ballot as unknown[]
    if (method === 'approval') return ranking.slice(0, Math.ceil(ranking.length / 2))
    return Object.fromEntries(ranking.map((candidate, place) => [String(candidate), candidates.length - 1 - place]))
  })
}
