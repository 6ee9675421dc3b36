import type { Method } from './method.ts'
import { orderByTally } from './order.ts'
import { firstPlaces } from './tally.ts'
import { wordsOf } from './words.ts'

/**
 * Instant runoff: removes all candidates that tie for the fewest first places, and counts again, until one is left or all that are
 * left tie. Removing all of them keeps the count neutral: no tie removes one of its candidates at random.
 * Tally: first places in the last round of the candidate.
 */
export const irv: Method = {
  ballots: 'ranking',
  needsAllCandidates: true,
  talliesWeight: true,
  count(profile) {
    const { list, amount, figures } = wordsOf(profile)
    const tally = profile.candidates.map(() => 0)
    const rounds: string[] = []
    let left = [...profile.candidates.keys()]
    for (;;) {
      const places = firstPlaces(profile, new Set(left))
      for (const candidate of left) tally[candidate] = places[candidate] ?? 0
      const fewest = Math.min(...left.map((candidate) => places[candidate] ?? 0))
      const survivors = left.filter((candidate) => (places[candidate] ?? 0) > fewest)
      const removed = left.filter((candidate) => places[candidate] === fewest)
      const round = `round ${rounds.length + 1}: ${figures(places, left)}`
      if (survivors.length === 0) {
        rounds.push(round)
        break
      }
      rounds.push(`${round}; removed: ${list(removed)}`)
      left = survivors
      if (left.length === 1) break
    }
    // A round's fewest places are more than those of the round before, so the tally orders candidates by their last round.
    const order = orderByTally(tally)
    const [last = 0] = left
    const reason =
      left.length === 1
        ? `${list(left)} is the last candidate, after ${rounds.length} ${rounds.length === 1 ? 'round' : 'rounds'}`
        : `${list(left)} tie in the last round: each has ${amount(tally[last] ?? 0)} first places`
    return { tally, order, trace: [reason, ...rounds] }
  },
}
