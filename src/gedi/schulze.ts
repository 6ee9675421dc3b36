import type { Method } from './method.ts'
import { orderByChoice } from './order.ts'
import { marginsOf, strongestPaths } from './pairwise.ts'
import { wordsOf } from './words.ts'

/**
 * A path of majorities is as strong as its weakest margin. A candidate beats another if its strongest path to it is the stronger one;
 * the candidates that none of the others beats win. Tally: the number of candidates that the candidate beats.
 * Source: Schulze, Social Choice and Welfare 36 (2011).
 */
export const schulze: Method = {
  ballots: 'ranking',
  needsAllCandidates: false,
  talliesWeight: false,
  count(profile) {
    const margin = marginsOf(profile)
    const all = [...profile.candidates.keys()]
    const { name, amount, list } = wordsOf(profile)
    const strength = strongestPaths(all, margin)
    const beats = (a: number, b: number): boolean => strength(a, b) > strength(b, a)
    const tally = all.map((a) => all.filter((b) => beats(a, b)).length)
    const order = orderByChoice(all.length, (from) => from.filter((a) => !from.some((b) => beats(b, a))))
    const [winners = []] = order
    const paths = order
      .flat()
      .flatMap((a) => all.filter((b) => beats(a, b)).map((b) => [a, b] as const))
      .map(([a, b]) => `${name(a)} beats ${name(b)}: ${amount(strength(a, b))} against ${amount(strength(b, a))}`)
    const reason =
      winners.length === 1
        ? `${list(winners)} is beaten by no other candidate on the strongest paths`
        : `${list(winners)} tie: none is beaten by another candidate on the strongest paths`
    return { tally, order, trace: [reason, ...paths] }
  },
}
