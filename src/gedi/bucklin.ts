import type { Method } from './method.ts'
import { orderByTally } from './order.ts'
import { tallyOf } from './tally.ts'
import { wordsOf } from './words.ts'

/**
 * Counts first places, then first and second places, and so on, up to the first round in which a candidate has more than half of the
 * ballots. The most places in that round win. Tally: places up to that round.
 */
export const bucklin: Method = {
  ballots: 'ranking',
  needsAllCandidates: true,
  talliesWeight: true,
  count(profile) {
    const { total, candidates } = profile
    const { leaders, amount, figures } = wordsOf(profile)
    const rounds: string[] = []
    let tally: number[] = []
    for (let round = 1; round <= candidates.length; round++) {
      tally = tallyOf(profile, (ballot, give) => {
        for (const candidate of ballot.slice(0, round)) give(candidate, 1)
      })
      rounds.push(`round ${round}, places 1 to ${round}: ${figures(tally)}`)
      if (Math.max(...tally) * 2 > total) break
    }
    const order = orderByTally(tally)
    const reason = `the most places in round ${rounds.length}, ${amount(Math.max(...tally))} of ${amount(total)} ballots`
    return { tally, order, trace: [leaders(order[0], reason), ...rounds] }
  },
}
