import type { Method } from './method.ts'
import { orderByTally } from './order.ts'
import { tallyOf } from './tally.ts'
import { wordsOf } from './words.ts'

/** The most first places win. Tally: first places. */
export const plurality: Method = {
  ballots: 'ranking',
  needsAllCandidates: true,
  talliesWeight: true,
  count(profile) {
    const tally = tallyOf(profile, ([first = 0], give) => give(first, 1))
    const order = orderByTally(tally)
    const { leaders, amount, figures } = wordsOf(profile)
    const most = `the most first places, ${amount(Math.max(...tally))} of ${amount(profile.total)}`
    return { tally, order, trace: [leaders(order[0], most), `first places: ${figures(tally)}`] }
  },
}
