import type { Method } from './method.ts'
import { orderByTally } from './order.ts'
import { marginsOf } from './pairwise.ts'
import { wordsOf } from './words.ts'

/**
 * The smallest worst defeat wins, measured in margins. Tally: the worst defeat as a negative number; 0 for a candidate that loses no
 * pair, so a Condorcet winner wins.
 */
export const minimax: Method = {
  ballots: 'ranking',
  needsAllCandidates: false,
  talliesWeight: true,
  count(profile) {
    const margin = marginsOf(profile)
    const all = [...profile.candidates.keys()]
    const { leaders, amount, name } = wordsOf(profile)
    const worst = all.map((candidate) =>
      all.reduce<{ by?: number; margin: number }>(
        (found, other) =>
          margin(other, candidate) > found.margin ? { by: other, margin: margin(other, candidate) } : found,
        { margin: 0 },
      ),
    )
    const tally = worst.map((defeat) => 0 - defeat.margin)
    const order = orderByTally(tally)
    const smallest = Math.max(...tally)
    const reason = smallest === 0 ? 'no defeat in pairs' : `the smallest worst defeat, by ${amount(-smallest)}`
    const defeats = order.flat().map((candidate) => {
      const { by, margin: size } = worst[candidate] ?? { margin: 0 }
      return by === undefined
        ? `${name(candidate)}: no defeat`
        : `${name(candidate)}: by ${amount(size)} against ${name(by)}`
    })
    return { tally, order, trace: [leaders(order[0], reason), ...defeats] }
  },
}
