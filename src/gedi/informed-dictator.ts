import { GediError } from './election.ts'
import type { Method } from './method.ts'
import { orderOfRanking, placesBelow } from './order.ts'
import { wordsOf } from './words.ts'

/** The ranking of one member that has seen all ballots decides, such as a council's chair. Tally: places above the last. */
export const informedDictator: Method = {
  ballots: 'ranking',
  needsAllCandidates: false,
  talliesWeight: false,
  count(profile) {
    const { candidates, dictator } = profile
    if (dictator === undefined)
      throw new GediError('dictator_missing', 'this method needs the ranking of the member that decides')
    const order = orderOfRanking(dictator, candidates.length)
    const { list } = wordsOf(profile)
    return {
      tally: placesBelow(order, candidates.length),
      order,
      trace: [`${list(order[0] ?? [])} leads the dictator's ranking`, `the ranking: ${list(dictator)}`],
    }
  },
}
