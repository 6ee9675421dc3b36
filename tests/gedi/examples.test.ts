import { describe, expect, test } from 'vitest'
import { count } from '../../src/gedi/count.ts'
import type { Election, MethodName } from '../../src/gedi/election.ts'
import { shuffled } from '../../src/gedi/seed.ts'

/** Ballots in the short form "42 M>N>C>K". */
const election = (candidates: string, ...ballots: string[]): Election => ({
  candidates: candidates.split(' '),
  ballots: ballots.map((ballot) => ballot.split(' ')[1]?.split('>')),
  weights: ballots.map((ballot) => Number(ballot.split(' ')[0])),
})
const orderOf = (method: MethodName, given: Election): string =>
  count(method, given)
    .order.map((group) => group.join('='))
    .join('>')

describe('the capital of Tennessee', () => {
  const tennessee = election('M N C K', '42 M>N>C>K', '26 N>C>K>M', '15 C>K>N>M', '17 K>C>N>M')

  test.each([
    ['plurality', 'M>N>K>C', { M: 42, N: 26, K: 17, C: 15 }],
    ['borda', 'N>C>M>K', { N: 194, C: 173, M: 126, K: 107 }],
    ['bucklin', 'N>C>M>K', { N: 68, C: 58, M: 42, K: 32 }],
    ['irv', 'K>M>N>C', { K: 58, M: 42, N: 26, C: 15 }],
    ['minimax', 'N>M>C>K', { N: 0, M: -16, C: -36, K: -66 }],
    ['ranked_pairs', 'N>C>K>M', { N: 3, C: 2, K: 1, M: 0 }],
    ['schulze', 'N>C>K>M', { N: 3, C: 2, K: 1, M: 0 }],
  ] as const)('%s orders it %s', (method, order, tally) => {
    expect(orderOf(method, tennessee)).toBe(order)
    expect(count(method, tennessee).tally).toEqual(tally)
  })

  test('irv explains its rounds', () => {
    expect(count('irv', tennessee).trace).toEqual([
      'K is the last candidate, after 3 rounds',
      'round 1: M 42, N 26, K 17, C 15; removed: C',
      'round 2: M 42, K 32, N 26; removed: N',
      'round 3: K 58, M 42; removed: M',
    ])
  })

  test('ranked pairs explains what it locked', () => {
    expect(count('ranked_pairs', tennessee).trace).toEqual([
      'N is above all others once the pairs are locked in',
      'locked: C > K by 66',
      'locked: N > C by 36',
      'locked: N > K by 36',
      'locked: N > M by 16',
      'locked: C > M by 16',
      'locked: K > M by 16',
    ])
  })

  test('range elects the highest sum, whatever the order of the candidates', () => {
    const scores = [
      { M: 10, N: 4, C: 2, K: 0 },
      { N: 10, C: 4, K: 2, M: 0 },
      { C: 10, K: 6, N: 3, M: 0 },
      { K: 10, C: 5, N: 3, M: 0 },
    ]
    const weights = [42, 26, 15, 17]
    const tally = { N: 524, C: 423, M: 420, K: 312 }
    for (const candidates of [
      ['M', 'N', 'C', 'K'],
      ['K', 'C', 'N', 'M'],
    ]) {
      const outcome = count('range', { candidates, ballots: scores, weights })
      expect(outcome).toMatchObject({ winners: ['N'], tally })
    }
  })
})

test('six methods elect four different winners', () => {
  const six = election('z x y w', '7 w>x>z>y', '2 w>y>x>z', '4 x>y>z>w', '5 x>z>w>y', '1 y>w>x>z', '8 y>z>w>x')
  const orders = (['plurality', 'borda', 'bucklin', 'irv', 'minimax', 'ranked_pairs'] as const).map((method) =>
    orderOf(method, six),
  )
  expect(orders).toEqual(['x=y=w>z', 'x>w>y>z', 'x>y>z>w', 'x=y=w>z', 'y>w>x>z', 'w>x>y>z'])
})

describe('ranked pairs with equal margins', () => {
  test('elects each candidate that wins under some order, however the ballots are sorted', () => {
    const ballots = [
      [2, 1, 0],
      [0, 2, 1],
      [1, 0, 2],
    ]
    for (const sorted of [ballots, ballots.toReversed()])
      expect(count('ranked_pairs', { candidates: [0, 1, 2], ballots: sorted }).winners).toEqual([0, 1, 2])
  })

  test('closes the locked pairs transitively', () => {
    const ballots = ['1023', '3210', '2103', '0321', '3210', '0132', '3102'].map((text) => text.split('').map(Number))
    expect(count('ranked_pairs', { candidates: [0, 1, 2, 3], ballots }).winners).toEqual([1, 3])
  })

  test('stops the search over orders at its bound, elects a superset, and says so', () => {
    const candidates = Array.from({ length: 10 }, (_, index) => index)
    const ballots = [0, 1, 2, 3, 4].map((ballot) => shuffled(candidates, 'profile 19', `ballot ${ballot}`))
    const { winners, trace } = count('ranked_pairs', { candidates, ballots })
    expect(trace[1]).toMatch(/^the search over orders stopped after 500 states/)
    expect(winners).toEqual(expect.arrayContaining(count('schulze', { candidates, ballots }).winners))
  })
})
