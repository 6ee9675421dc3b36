import { describe, expect, test } from 'vitest'
import { count } from '../../src/gedi/count.ts'
import { GediError, methodNames, type Election, type MethodName } from '../../src/gedi/election.ts'
import { breakTie } from '../../src/gedi/seed.ts'

const candidates = ['a', 'b', 'c']
const codeOf = (method: MethodName, election: Election): string => {
  try {
    return `counted: ${count(method, election).winners.join()}`
  } catch (error) {
    if (error instanceof GediError) return error.code
    throw error
  }
}

describe('rejects a ballot, and counts the others', () => {
  test.each([
    ['an essay instead of a ranking', 'a is best', 'not_a_list'],
    ['nothing', null, 'not_a_list'],
    ['an empty ranking', [], 'empty'],
    ['an unknown candidate', ['a', 'b', 'd'], 'unknown_candidate'],
    ['a candidate twice', ['a', 'b', 'a'], 'repeated_candidate'],
    ['a name of the wrong type', ['a', 'b', 1], 'unknown_candidate'],
  ])('with %s', (_, ballot, reason) => {
    const outcome = count('borda', { candidates, ballots: [['b', 'a', 'c'], ballot], weights: [1, 5] })
    expect(outcome).toMatchObject({ winners: ['b'], tally: { a: 1, b: 2, c: 0 }, rejected: [{ ballot: 1, reason }] })
  })

  test.each([
    ['a ranking instead of scores', ['a', 'b', 'c'], 'not_scores'],
    ['a score that is no number', { a: 1, b: '2', c: 3 }, 'not_scores'],
    ['no score for a candidate', { a: 1, b: 2 }, 'missing_score'],
    ['a score for an unknown candidate', { a: 1, b: 2, c: 3, d: 4 }, 'unknown_candidate'],
    ['a score over the scale', { a: 1, b: 2, c: 101 }, 'score_out_of_scale'],
    ['a score below the scale', { a: -1, b: 2, c: 3 }, 'score_out_of_scale'],
    ['a score that is not finite', { a: Infinity, b: 2, c: 3 }, 'not_scores'],
  ])('with %s', (_, ballot, reason) => {
    const outcome = count('range', { candidates, ballots: [ballot, { a: 1, b: 0.5, c: 0 }] })
    expect(outcome).toMatchObject({ winners: ['a'], tally: { a: 1, b: 0.5, c: 0 }, rejected: [{ ballot: 0, reason }] })
  })
})

describe('refuses an election', () => {
  test.each([
    ['without candidates', { candidates: [], ballots: [] }, 'candidates_invalid'],
    ['with a candidate twice', { candidates: ['a', 'a'], ballots: [] }, 'candidates_invalid'],
    ['with two candidates of one name', { candidates: ['1', 1], ballots: [] }, 'candidates_invalid'],
    [
      'with 51 candidates',
      { candidates: Array.from({ length: 51 }, (_, index) => index), ballots: [] },
      'candidates_invalid',
    ],
    ['with a weight for only some ballots', { candidates, ballots: [['a'], ['b']], weights: [1] }, 'weights_invalid'],
    ['with a negative weight', { candidates, ballots: [['a']], weights: [-1] }, 'weights_invalid'],
    ['with a weight that is not a number', { candidates, ballots: [['a']], weights: [NaN] }, 'weights_invalid'],
    ['with a weight of seven decimals', { candidates, ballots: [['a']], weights: [0.0000001] }, 'weights_invalid'],
    ['with weights whose sum is not exact', { candidates, ballots: [['a']], weights: [2 ** 50] }, 'weights_invalid'],
  ])('%s', (_, election, code) => {
    expect(codeOf('minimax', election)).toBe(code)
  })

  test.each(['plurality', 'borda', 'bucklin', 'irv'] as const)('with an incomplete ranking, under %s', (method) => {
    expect(
      codeOf(method, {
        candidates,
        ballots: [
          ['a', 'b', 'c'],
          ['b', 'a'],
        ],
      }),
    ).toBe('incomplete_ballots')
  })

  test.each(['blind_dictator', 'random'] as const)('without a seed, under %s', (method) => {
    expect(codeOf(method, { candidates, ballots: [['a', 'b', 'c']] })).toBe('seed_missing')
  })

  test.each([undefined, [], ['a', 'd']])('without a valid ranking of the dictator: %o', (dictator) => {
    expect(codeOf('informed_dictator', { candidates, ballots: [], dictator })).toBe('dictator_missing')
  })
})

test.each(['minimax', 'ranked_pairs', 'schulze'] as const)(
  '%s reads no preference about a candidate that a ballot omits',
  (method) => {
    // Each of three members leaves out its own draft: b is preferred to c once and to a once, c to a once.
    const outcome = count(method, {
      candidates,
      ballots: [
        ['b', 'c'],
        ['c', 'a'],
        ['b', 'a'],
      ],
    })
    expect(outcome.order).toEqual(method === 'minimax' ? [['b'], ['a', 'c']] : [['b'], ['c'], ['a']])
  },
)

test.each(methodNames)('%s ties all candidates when there is no ballot, or draws by lot', (method) => {
  const { order } = count(method, { candidates, ballots: [], seed: 'x', dictator: ['c', 'b', 'a'] })
  if (method === 'random') expect(order.flat().toSorted()).toEqual(candidates)
  else expect(order).toEqual(method === 'informed_dictator' ? [['c'], ['b'], ['a']] : [candidates])
})

test('sums of decimal weights are exact: the order of the ballots cannot change a tie', () => {
  const ballots = [
    ['a', 'b'],
    ['a', 'b'],
    ['a', 'b'],
    ['b', 'a'],
  ]
  expect(count('plurality', { candidates: ['a', 'b'], ballots, weights: [0.1, 0.1, 0.1, 0.3] }).winners).toEqual([
    'a',
    'b',
  ])
  expect(count('plurality', { candidates: ['a', 'b'], ballots, weights: [0.1, 0.1, 0.1, 0.3] }).tally).toEqual({
    a: 0.3,
    b: 0.3,
  })
})

test('approval elects the most approvals, and an empty set approves none', () => {
  const outcome = count('approval', { candidates, ballots: [['a', 'b'], ['b'], [], ['c', 'b', 'a']] })
  expect(outcome).toMatchObject({
    winners: ['b'],
    tally: { a: 2, b: 3, c: 1 },
    order: [['b'], ['a'], ['c']],
    rejected: [],
  })
})

describe('drawing by lot', () => {
  const ballots = [
    ['a', 'b', 'c'],
    ['b', 'c', 'a'],
    ['c', 'a', 'b'],
  ]
  const draws = (method: MethodName, given: Omit<Election, 'seed'>) =>
    Array.from({ length: 300 }, (_, seed) => count(method, { ...given, seed: `seed ${seed}` }).winners[0])
  const shareOf = (winner: string, drawn: unknown[]) => drawn.filter((one) => one === winner).length / drawn.length

  test.each(['blind_dictator', 'random'] as const)(
    '%s gives each candidate its share, and the same winner again',
    (method) => {
      const drawn = draws(method, { candidates, ballots })
      for (const candidate of candidates) expect(shareOf(candidate, drawn)).toBeCloseTo(1 / 3, 0)
      expect(new Set(drawn).size).toBe(3)
      expect(draws(method, { candidates, ballots: ballots.toReversed() })).toEqual(drawn)
    },
  )

  test('blind_dictator draws a ballot according to its weight', () => {
    const drawn = draws('blind_dictator', { candidates, ballots, weights: [0, 1, 9] })
    expect(shareOf('a', drawn)).toBe(0)
    expect(shareOf('c', drawn)).toBeGreaterThan(0.8)
    expect(shareOf('b', drawn)).toBeGreaterThan(0.02)
  })

  test('breaks a tie between its winners alone, the same way for the same seed', () => {
    const broken = Array.from({ length: 100 }, (_, seed) => breakTie(['a', 'c'], `seed ${seed}`))
    expect(new Set(broken)).toEqual(new Set(['a', 'c']))
    expect(broken).toEqual(Array.from({ length: 100 }, (_, seed) => breakTie(['a', 'c'], `seed ${seed}`)))
  })
})
