import type { Method } from './method.ts'
import { orderByTally } from './order.ts'
import { tallyOf } from './tally.ts'
import { wordsOf } from './words.ts'

/** Each ballot gives a candidate one point for every candidate below it; the most points win. Tally: points. */
export const borda: Method = {
  ballots: 'ranking',
  needsAllCandidates: true,
  talliesWeight: true,
  count(profile) {
    const most = profile.candidates.length - 1
    const tally = tallyOf(profile, (ballot, give) =>
      ballot.forEach((candidate, place) => {
        give(candidate, most - place)
      }),
    )
    const order = orderByTally(tally)
    const { leaders, amount, figures } = wordsOf(profile)
    const reason = `the most points, ${amount(Math.max(...tally))} of at most ${amount(most * profile.total)}`
    return { tally, order, trace: [leaders(order[0], reason), `points: ${figures(tally)}`] }
  },
}
