import type { Method } from './method.ts'
import { orderOfRanking, placesBelow } from './order.ts'
import type { BallotGroup } from './profile.ts'
import { requireSeed, seededNumbers } from './seed.ts'
import { wordsOf } from './words.ts'

/**
 * One ballot, drawn by lot according to weight, decides. The draw is made from the sorted ballots, so that their order does not
 * matter. Tally: places above the last.
 */
export const blindDictator: Method = {
  ballots: 'ranking',
  needsAllCandidates: false,
  talliesWeight: false,
  count(profile) {
    const { candidates, groups, total } = profile
    const [number] = seededNumbers(requireSeed(profile.seed), 'blind_dictator')
    const ranking = ballotAt(groups.toSorted(byRanking), (number ?? 0) * total)
    const order = orderOfRanking(ranking, candidates.length)
    const { list } = wordsOf(profile)
    const reason =
      ranking.length === 0 ? 'no ballot could be drawn' : `${list(order[0] ?? [])} leads the ballot drawn by lot`
    return { tally: placesBelow(order, candidates.length), order, trace: [reason, `the ballot: ${list(ranking)}`] }
  },
}

/** The ballot in whose share of the weight a point lies. */
function ballotAt(groups: readonly BallotGroup[], point: number): readonly number[] {
  let end = 0
  return groups.find(({ weight }) => (end += weight) > point)?.ballot ?? []
}

function byRanking({ ballot: a }: BallotGroup, { ballot: b }: BallotGroup): number {
  const place = a.findIndex((candidate, index) => candidate !== b[index])
  return place === -1 ? a.length - b.length : (a[place] ?? 0) - (b[place] ?? -1)
}
