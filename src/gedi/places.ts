import type { CastableBallot, VotingMethod } from '../events/election.ts'
import { methods } from './count.ts'

/**
 * The place of a candidate on a ballot, from 1. Approved candidates share the first place, and candidates with equal
 * scores share one. Null if the ballot does not name the candidate.
 */
export function placeOf(method: VotingMethod, ballot: CastableBallot, label: string): number | null {
  if (Array.isArray(ballot)) {
    const index = ballot.indexOf(label)
    if (index < 0) return null
    return methods[method].ballots === 'approvals' ? 1 : index + 1
  }
  const score = ballot[label]
  return score === undefined ? null : 1 + Object.values(ballot).filter((other) => other > score).length
}

/** The place of each candidate in a result, from 1. Tied candidates share the mean of their places. */
export function meanPlaces(order: readonly (readonly string[])[]): Map<string, number> {
  const places = new Map<string, number>()
  for (const group of order) {
    const mean = places.size + (group.length + 1) / 2
    for (const label of group) places.set(label, mean)
  }
  return places
}

/**
 * The candidates that a ballot prefers to the winner. A ranking or a set of scores without the winner expresses no
 * preference.
 */
export function preferredTo(method: VotingMethod, ballot: CastableBallot, winner: string): string[] {
  if (Array.isArray(ballot)) {
    if (methods[method].ballots === 'approvals') return ballot.includes(winner) ? [] : ballot
    return ballot.slice(0, Math.max(0, ballot.indexOf(winner)))
  }
  const score = ballot[winner]
  return score === undefined ? [] : Object.keys(ballot).filter((label) => (ballot[label] ?? 0) > score)
}
