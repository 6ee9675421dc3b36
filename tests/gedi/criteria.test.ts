/** The criteria of social choice that each method promises, as properties; and a counterexample for each that it does not. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { count } from '../../src/gedi/count.ts'
import type { MethodName } from '../../src/gedi/election.ts'

type Rankings = { candidates: string[]; ballots: string[][] }

const rankings = (most = 5): fc.Arbitrary<Rankings> =>
  fc.integer({ min: 2, max: most }).chain((size) => {
    const candidates = 'abcdefgh'.split('').slice(0, size)
    return fc.record({
      candidates: fc.constant(candidates),
      ballots: fc.array(fc.shuffledSubarray(candidates, { minLength: size }), { minLength: 1, maxLength: 12 }),
    })
  })

const winnersOf = (method: MethodName, given: Rankings) => count(method, given).winners as string[]
const prefers = (a: string, b: string) => (ballot: string[]) => ballot.indexOf(a) < ballot.indexOf(b)
const beats = ({ ballots }: Rankings, a: string, b: string) =>
  ballots.filter(prefers(a, b)).length > ballots.filter(prefers(b, a)).length

/** The smallest set whose members beat every candidate outside it. */
function smithSet(given: Rankings): string[] {
  const { candidates } = given
  const wins = (one: string) => candidates.filter((other) => other !== one && !beats(given, other, one)).length
  const sorted = candidates.toSorted((a, b) => wins(b) - wins(a))
  const sizes = candidates.map((_, index) => index + 1)
  const size = sizes.find((some) =>
    sorted.slice(0, some).every((member) => sorted.slice(some).every((other) => beats(given, member, other))),
  )
  return sorted.slice(0, size)
}

/** Profiles that break a criterion, found by random search and then made smaller. */
const profileOf = (text: string): Rankings => {
  const ballots = text.split(', ').map((ballot) => ballot.split('>'))
  return { candidates: (ballots[0] ?? []).toSorted(), ballots }
}
const counterexamples = {
  condorcet: {
    plurality: profileOf('a>d>b>c, d>b>a>c, b>a>d>c, c>a>b>d, c>a>b>d, c>b>a>d, a>d>c>b'),
    borda: profileOf('c>a>b, c>a>b, a>b>c, b>a>c, c>a>b, c>a>b, a>b>c'),
    bucklin: profileOf('d>b>a>c, a>c>b>d, c>d>b>a, b>d>c>a, b>a>c>d, c>b>a>d, c>b>d>a'),
    irv: profileOf('c>b>a>d, d>c>a>b, b>a>d>c, a>b>d>c, b>a>d>c, a>c>b>d, c>a>d>b'),
  },
  smith: {
    plurality: profileOf('a>d>b>c, c>b>a>d, b>d>a>c, b>d>c>a, a>d>c>b'),
    borda: profileOf('d>b>c>a, a>d>b>c, a>d>b>c'),
    bucklin: profileOf('a>d>b>c, c>b>a>d, b>d>a>c, b>d>c>a, a>d>c>b'),
    irv: profileOf('c>b>a>d, d>c>a>b, b>a>d>c, a>b>d>c, b>a>d>c, a>c>b>d, c>a>d>b'),
    minimax: profileOf('a>c>d>b, d>b>c>a, b>c>d>a'),
  },
  monotonicity: { irv: profileOf('d>c>a>b, c>b>d>a, a>b>d>c, a>c>d>b, b>d>a>c, d>c>b>a, a>b>d>c, b>a>d>c, c>b>d>a') },
  clones: {
    plurality: profileOf('b>a>c, b>c>a, a>c>b, a>c>b, a>c>b, b>c>a, b>c>a'),
    borda: profileOf('d>c>a>b, c>b>d>a, a>b>d>c, d>c>b>a, a>b>d>c, b>a>d>c, c>b>d>a'),
    bucklin: profileOf('b>a>c, b>c>a, b>a>c, a>b>c, c>a>b, c>a>b'),
  },
}

const ranked = ['plurality', 'borda', 'bucklin', 'irv', 'minimax', 'ranked_pairs', 'schulze'] as const

describe.each(ranked)('%s', (method) => {
  test('is anonymous: the order of the ballots does not matter', () => {
    const shuffled = rankings().chain((given) =>
      fc.tuple(fc.constant(given), fc.shuffledSubarray(given.ballots, { minLength: given.ballots.length })),
    )
    fc.assert(
      fc.property(shuffled, ([given, ballots]) => {
        expect(count(method, { ...given, ballots })).toEqual(count(method, given))
      }),
    )
  })

  test('is neutral: renaming and reordering the candidates changes nothing but names', () => {
    const renamed = rankings().chain((given) =>
      fc.tuple(fc.constant(given), fc.shuffledSubarray(given.candidates, { minLength: given.candidates.length })),
    )
    fc.assert(
      fc.property(renamed, ([given, names]) => {
        const rename = (one: string): string => names[given.candidates.indexOf(one)] ?? ''
        const after = count(method, {
          candidates: given.candidates,
          ballots: given.ballots.map((one) => one.map(rename)),
        })
        const before = count(method, given)
        expect(after.order.map((group) => new Set(group))).toEqual(
          before.order.map((group) => new Set((group as string[]).map(rename))),
        )
        for (const one of given.candidates) expect(after.tally[rename(one)]).toBe(before.tally[one])
      }),
    )
  })

  test('counts a ballot of weight n as n ballots', () => {
    const weighted = rankings().chain((given) =>
      fc.tuple(
        fc.constant(given),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: given.ballots.length, maxLength: given.ballots.length }),
      ),
    )
    fc.assert(
      fc.property(weighted, ([{ candidates, ballots }, weights]) => {
        const repeated = ballots.flatMap((ballot, index) => Array.from({ length: weights[index] ?? 0 }, () => ballot))
        const { order, tally } = count(method, { candidates, ballots, weights })
        expect({ order, tally }).toEqual(
          (({ order, tally }) => ({ order, tally }))(count(method, { candidates, ballots: repeated })),
        )
      }),
    )
  })

  test('orders all candidates, the winners first', () => {
    fc.assert(
      fc.property(rankings(), (given) => {
        const { order, winners } = count(method, given)
        expect(order[0]).toEqual(winners)
        expect((order.flat() as string[]).toSorted()).toEqual(given.candidates)
      }),
    )
  })
})

describe('majority: more than half of the first places win', () => {
  const withMajority = rankings().map((given) => {
    const first = given.candidates[0] ?? ''
    const more = given.ballots.map(() => given.candidates)
    return { candidates: given.candidates, ballots: [...given.ballots, ...more, given.candidates], first }
  })

  test.each(['plurality', 'bucklin', 'irv', 'minimax', 'ranked_pairs', 'schulze'] as const)('%s keeps it', (method) => {
    fc.assert(
      fc.property(withMajority, ({ first, ...given }) => {
        expect(winnersOf(method, given)).toEqual([first])
      }),
    )
  })

  test('borda breaks it', () => {
    const ballots = '111'
      .split('')
      .map(() => ['a', 'b', 'c'])
      .concat('22'.split('').map(() => ['b', 'c', 'a']))
    expect(winnersOf('borda', { candidates: ['a', 'b', 'c'], ballots })).toEqual(['b'])
  })
})

describe('Condorcet: a candidate that beats every other one in pairs wins', () => {
  const condorcetOf = (given: Rankings) =>
    given.candidates.find((one) => given.candidates.every((other) => other === one || beats(given, one, other)))

  test.each(['minimax', 'ranked_pairs', 'schulze'] as const)('%s keeps it', (method) => {
    fc.assert(
      fc.property(rankings(), (given) => {
        const condorcet = condorcetOf(given)
        fc.pre(condorcet !== undefined)
        expect(winnersOf(method, given)).toEqual([condorcet])
      }),
    )
  })

  test.each(['plurality', 'borda', 'bucklin', 'irv'] as const)('%s breaks it', (method) => {
    const given = counterexamples.condorcet[method]
    const condorcet = condorcetOf(given)
    expect(condorcet).toBeDefined()
    expect(winnersOf(method, given)).not.toContain(condorcet)
  })
})

describe('Smith: the winners are in the smallest set that beats all others', () => {
  test.each(['ranked_pairs', 'schulze'] as const)('%s keeps it', (method) => {
    fc.assert(
      fc.property(rankings(), (given) => {
        expect(smithSet(given)).toEqual(expect.arrayContaining(winnersOf(method, given)))
      }),
    )
  })

  test.each(['plurality', 'borda', 'bucklin', 'irv', 'minimax'] as const)('%s breaks it', (method) => {
    const given = counterexamples.smith[method]
    expect(smithSet(given)).not.toEqual(expect.arrayContaining(winnersOf(method, given)))
  })
})

/** A profile, and the same with one ballot on which the first winner has moved up. */
const raised = (method: MethodName, given: Rankings, ballot: number, places: number) => {
  const [winner = ''] = winnersOf(method, given)
  const ballots = given.ballots.map((ranking, index) => {
    if (index !== ballot % given.ballots.length) return ranking
    const place = ranking.indexOf(winner)
    const rest = ranking.filter((one) => one !== winner)
    return rest.toSpliced(Math.max(0, place - places), 0, winner)
  })
  return { winner, after: { ...given, ballots } }
}

describe('monotonicity: a winner that moves up on a ballot still wins', () => {
  test.each(['plurality', 'borda', 'bucklin', 'minimax', 'ranked_pairs', 'schulze'] as const)(
    '%s keeps it',
    (method) => {
      fc.assert(
        fc.property(rankings(), fc.nat(11), fc.integer({ min: 1, max: 4 }), (given, ballot, places) => {
          const { winner, after } = raised(method, given, ballot, places)
          expect(winnersOf(method, after)).toContain(winner)
        }),
      )
    },
  )

  test('irv breaks it', () => {
    const given = counterexamples.monotonicity.irv
    const lost = given.ballots.filter((_, ballot) => {
      const { winner, after } = raised('irv', given, ballot, 4)
      return !winnersOf('irv', after).includes(winner)
    })
    expect(winnersOf('irv', given)).toHaveLength(1)
    expect(lost.length).toBeGreaterThan(0)
  })
})

/** The profile with a copy of a candidate next to it on each ballot, above or below. */
const cloned = ({ candidates, ballots }: Rankings, one: string, above: (ballot: number) => boolean): Rankings => ({
  candidates: [...candidates, `${one}'`],
  ballots: ballots.map((ranking, index) =>
    ranking.flatMap((other) => (other !== one ? [other] : above(index) ? [`${one}'`, one] : [one, `${one}'`])),
  ),
})
const withoutClone = (winners: string[]) => new Set(winners.map((winner) => winner.replace("'", '')))

describe('independence of clones: a copy of a candidate does not change who wins, but for the copy', () => {
  test.each(['schulze'] as const)('%s keeps it', (method) => {
    fc.assert(
      fc.property(rankings(4), fc.nat(3), fc.nat(4_095), (given, candidate, bits) => {
        const one = given.candidates[candidate % given.candidates.length] ?? ''
        const copy = cloned(given, one, (ballot) => ((bits >> ballot) & 1) === 1)
        expect(withoutClone(winnersOf(method, copy))).toEqual(new Set(winnersOf(method, given)))
      }),
    )
  })

  test.each(['plurality', 'borda', 'bucklin'] as const)('%s breaks it', (method) => {
    const given = counterexamples.clones[method]
    const changed = given.candidates.filter((candidate) => {
      const copy = cloned(given, candidate, (ballot) => ballot % 2 === 0)
      return !withoutClone(winnersOf(method, copy)).isSubsetOf(new Set(winnersOf(method, given)))
    })
    expect(changed).not.toEqual([])
  })
})

/** Two copies do not suffice against minimax: the better one of them has no defeat. Three can beat each other in a circle. */
test('minimax breaks independence of clones: three copies that beat each other lose to a candidate that each of them beats', () => {
  const copies = ['123', '231', '312'].map((order) => order.split('').map((copy) => `a${copy}`))
  const ballots = [...copies, ...copies, ...copies].map((ranking, index) =>
    index < 5 ? [...ranking, 'b'] : ['b', ...ranking],
  )
  const original = ballots.map((_, index) => (index < 5 ? ['a', 'b'] : ['b', 'a']))
  expect(winnersOf('minimax', { candidates: ['a', 'b'], ballots: original })).toEqual(['a'])
  expect(winnersOf('minimax', { candidates: ['a1', 'a2', 'a3', 'b'], ballots })).toEqual(['b'])
})
