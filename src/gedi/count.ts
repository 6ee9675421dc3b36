import { approval } from './approval.ts'
import { blindDictator } from './blind-dictator.ts'
import { borda } from './borda.ts'
import { bucklin } from './bucklin.ts'
import type { Election, MethodName, Outcome } from './election.ts'
import { informedDictator } from './informed-dictator.ts'
import { irv } from './irv.ts'
import type { Method } from './method.ts'
import { minimax } from './minimax.ts'
import { plurality } from './plurality.ts'
import { assertComplete, readProfile } from './profile.ts'
import { random } from './random.ts'
import { range } from './range.ts'
import { rankedPairs } from './ranked-pairs.ts'
import { schulze } from './schulze.ts'

export const methods: Readonly<Record<MethodName, Method>> = {
  plurality,
  borda,
  bucklin,
  irv,
  minimax,
  ranked_pairs: rankedPairs,
  schulze,
  approval,
  range,
  blind_dictator: blindDictator,
  informed_dictator: informedDictator,
  random,
}

/**
 * Counts an election. The result does not depend on the order of the ballots, and ties stay ties: all candidates tie if there is no
 * accepted ballot. Invalid ballots are reported, not counted. Throws GediError if the election cannot be counted under the method.
 */
export function count(method: MethodName, election: Election): Outcome {
  const { ballots, needsAllCandidates, talliesWeight, count: countProfile } = methods[method]
  const { profile, rejected } = readProfile(ballots, election)
  if (needsAllCandidates) assertComplete(profile)
  const { tally, order, trace } = countProfile(profile)
  const unit = talliesWeight ? profile.unit : 1
  const named = order.map((group) => group.map((candidate) => election.candidates[candidate] ?? ''))
  return {
    method,
    winners: named[0] ?? [],
    order: named,
    tally: Object.fromEntries(election.candidates.map((candidate, index) => [candidate, (tally[index] ?? 0) / unit])),
    trace: [...trace],
    rejected,
  }
}
