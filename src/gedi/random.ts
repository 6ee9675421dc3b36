import type { Method } from './method.ts'
import { placesBelow } from './order.ts'
import { requireSeed, shuffled } from './seed.ts'
import { wordsOf } from './words.ts'

/** Draws an order by lot, whatever the ballots say: the baseline of every comparison. Tally: places above the last. */
export const random: Method = {
  ballots: 'ranking',
  needsAllCandidates: false,
  talliesWeight: false,
  count(profile) {
    const { candidates } = profile
    const drawn = shuffled([...candidates.keys()], requireSeed(profile.seed), 'random')
    const order = drawn.map((candidate) => [candidate])
    const { list } = wordsOf(profile)
    return {
      tally: placesBelow(order, candidates.length),
      order,
      trace: [`${list(drawn.slice(0, 1))} was drawn by lot`, `drawn in this order: ${list(drawn)}`],
    }
  },
}
