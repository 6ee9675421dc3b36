import type { Method } from './method.ts'
import { orderByTally } from './order.ts'
import { tallyOf } from './tally.ts'
import { wordsOf } from './words.ts'

/** Each ballot scores every candidate; the highest sum wins. Tally: the sum of scores. */
export const range: Method = {
  ballots: 'scores',
  needsAllCandidates: true,
  talliesWeight: true,
  count(profile) {
    const tally = tallyOf(profile, (scores, give) =>
      scores.forEach((score, candidate) => {
        give(candidate, score)
      }),
    )
    const order = orderByTally(tally)
    const { leaders, amount, figures } = wordsOf(profile)
    return {
      tally,
      order,
      trace: [
        leaders(order[0], `the highest sum of scores, ${amount(Math.max(...tally))}`),
        `scores: ${figures(tally)}`,
      ],
    }
  },
}
