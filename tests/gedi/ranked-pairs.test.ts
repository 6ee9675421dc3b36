import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { count } from '../../src/gedi/count.ts'
import { shuffled } from '../../src/gedi/seed.ts'

type Edge = readonly [above: number, below: number]

const numbers = (size: number) => Array.from({ length: size }, (_, index) => index)
const rankingsOf = (text: string) => text.split(' ').map((ranking) => ranking.split('').map(Number))
const drawn = (profile: string, size: number, voters: number) =>
  numbers(voters).map((voter) => shuffled(numbers(size), profile, `ballot ${voter}`))
const ordered = (ballots: number[][]) =>
  count('ranked_pairs', { candidates: numbers(ballots[0]?.length ?? 0), ballots })

/** The pairs with a majority, in groups of one margin, the largest first. */
function levelsOf(ballots: number[][]): { margin: number; edges: Edge[] }[] {
  const all = numbers(ballots[0]?.length ?? 0)
  const marginOf = ([a, b]: Edge) =>
    ballots.reduce((sum, ballot) => sum + Math.sign(ballot.indexOf(b) - ballot.indexOf(a)), 0)
  const edges = all.flatMap((a) => all.map((b): Edge => [a, b])).filter((edge) => marginOf(edge) > 0)
  const levels = [...Map.groupBy(edges, marginOf)].map(([margin, some]) => ({ margin, edges: some }))
  return levels.toSorted((a, b) => b.margin - a.margin)
}

/** Whether a path of edges leads from one candidate to another. */
function leads(edges: readonly Edge[], from: number, to: number, seen = new Set([from])): boolean {
  return edges.some(([above, below]) => {
    if (above !== from || seen.has(below)) return false
    return below === to || leads(edges, below, to, seen.add(below))
  })
}

/** The winners by the definition alone: locks the pairs of each margin in every order, and collects who is at the top. */
function winnersOverAllOrders(ballots: number[][]): number[] {
  const winners = new Set<number>()
  const lock = (locked: readonly Edge[], rest: readonly Edge[], later: readonly (readonly Edge[])[]): void => {
    const [next, ...others] = later
    for (const edge of rest) {
      const isPossible = !leads(locked, edge[1], edge[0])
      lock(
        isPossible ? [...locked, edge] : locked,
        rest.filter((one) => one !== edge),
        later,
      )
    }
    if (rest.length > 0) return
    if (next) lock(locked, next, others)
    else for (const one of ballots[0] ?? []) if (!locked.some(([, below]) => below === one)) winners.add(one)
  }
  lock(
    [],
    [],
    levelsOf(ballots).map(({ edges }) => edges),
  )
  return [...winners].toSorted((a, b) => a - b)
}

/** The candidates that Split Cycle leaves undefeated: a path that is as strong leads back over each of their defeats. */
function undefeated(ballots: number[][]): number[] {
  const levels = levelsOf(ballots)
  const isDefeated = (one: number) =>
    levels.some(({ edges }, level) => {
      const asStrong = levels.slice(0, level + 1).flatMap((stronger) => stronger.edges)
      return edges.some(([above, below]) => below === one && !leads(asStrong, one, above))
    })
  return numbers(ballots[0]?.length ?? 0).filter((one) => !isDefeated(one))
}

describe('ranked pairs elects each candidate that wins under some order of the pairs with equal margins', () => {
  test('of four candidates', () => {
    const ballots = fc.array(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(ballots, (given) => {
        expect(ordered(given).winners).toEqual(winnersOverAllOrders(given))
      }),
    )
  })

  test.each([
    ['3021 3102 0231 2103 2310', [0, 2, 3]],
    ['0132 2130 3201 1230 3021', [1, 2, 3]],
    ['30421 10324 41032 41302 32104', [1, 3, 4]],
    ['04321 24130 41032 31024 13042', [1, 4]],
  ])('of %s', (text, winners) => {
    const ballots = rankingsOf(text)
    expect(ordered(ballots).winners).toEqual(winners)
    expect(winnersOverAllOrders(ballots)).toEqual(winners)
  })
})

describe('the search over orders', () => {
  test('is not needed for candidates that win if all ties are resolved in their favour', () => {
    // Each candidate beats the next one on all ballots but one, so all ten are in one circle.
    const rotations = numbers(10).map((first) => numbers(10).map((place) => (first + place) % 10))
    const { winners, trace } = ordered(rotations)
    expect(winners).toEqual(numbers(10))
    expect(trace[1]).toBe('locked: 0 > 1 by 8')
  })

  test('is complete where it ends just before its bound, after 476 states', () => {
    const { order, trace } = ordered(drawn('profile 176', 9, 3))
    expect(trace.join('\n')).not.toContain('stopped')
    expect(order[0]).toEqual([2])
  })

  test('stops at its bound, elects each candidate without a defeat, and says so', () => {
    const ballots = drawn('profile 19', 10, 5)
    const { winners, trace } = ordered(ballots)
    expect(trace[1]).toBe(
      'the search over orders stopped after 500 states; a tie may hold more candidates than ranked pairs elects',
    )
    expect(winners).toEqual(undefeated(ballots))
  })
})
