import { describe, expect, test } from 'vitest'
import { count } from '../../src/gedi/count.ts'
import type { Election, MethodName } from '../../src/gedi/election.ts'

const traceOf = (method: MethodName, rankings: string, rest: Partial<Election> = {}): string[] => {
  const ballots = rankings.split(', ').map((ranking) => ranking.split('>'))
  return count(method, { candidates: ['a', 'b', 'c'], ballots, ...rest }).trace
}
const clear = 'a>b>c, a>c>b, b>a>c'
const cycle = 'a>b>c, b>c>a, c>a>b'
const halves = 'a>b>c, b>a>c'

describe('the trace gives the reason, then the steps', () => {
  test.each<[MethodName, string, string[]]>([
    ['plurality', clear, ['a has the most first places, 2 of 3', 'first places: a 2, b 1, c 0']],
    ['plurality', cycle, ['a, b and c tie: each has the most first places, 1 of 3', 'first places: a 1, b 1, c 1']],
    ['borda', clear, ['a has the most points, 5 of at most 6', 'points: a 5, b 3, c 1']],
    ['borda', halves, ['a and b tie: each has the most points, 3 of at most 4', 'points: a 3, b 3, c 0']],
    ['bucklin', clear, ['a has the most places in round 1, 2 of 3 ballots', 'round 1, places 1 to 1: a 2, b 1, c 0']],
    [
      'bucklin',
      halves,
      [
        'a and b tie: each has the most places in round 2, 2 of 2 ballots',
        'round 1, places 1 to 1: a 1, b 1, c 0',
        'round 2, places 1 to 2: a 2, b 2, c 0',
      ],
    ],
    [
      'irv',
      'a>b>c, b>c>a, a>c>b, c>a>b',
      ['a is the last candidate, after 1 round', 'round 1: a 2, b 1, c 1; removed: b and c'],
    ],
    [
      'irv',
      halves,
      [
        'a and b tie in the last round: each has 1 first places',
        'round 1: a 1, b 1, c 0; removed: c',
        'round 2: a 1, b 1',
      ],
    ],
    ['minimax', clear, ['a has no defeat in pairs', 'a: no defeat', 'b: by 1 against a', 'c: by 3 against a']],
    [
      'minimax',
      cycle,
      [
        'a, b and c tie: each has the smallest worst defeat, by 1',
        'a: by 1 against c',
        'b: by 1 against a',
        'c: by 1 against b',
      ],
    ],
    [
      'ranked_pairs',
      clear,
      [
        'a is above all others once the pairs are locked in',
        'locked: a > c by 3',
        'locked: a > b by 1',
        'locked: b > c by 1',
      ],
    ],
    [
      'ranked_pairs',
      cycle,
      [
        'a, b and c tie: each is at the top under some order of the pairs with equal margins',
        'locked: a > b by 1',
        'locked: b > c by 1',
        'left out: c > a by 1, because a is already above c',
      ],
    ],
    [
      'schulze',
      clear,
      [
        'a is beaten by no other candidate on the strongest paths',
        'a beats b: 1 against 0',
        'a beats c: 3 against 0',
        'b beats c: 1 against 0',
      ],
    ],
    ['schulze', cycle, ['a, b and c tie: none is beaten by another candidate on the strongest paths']],
    ['approval', 'a>b, b, b>c', ['b has the most approvals, 3 of 3', 'approvals: b 3, a 1, c 1']],
    ['approval', 'b>a, a>b, c', ['a and b tie: each has the most approvals, 2 of 3', 'approvals: a 2, b 2, c 1']],
  ])('of %s on %s', (method, rankings, trace) => {
    expect(traceOf(method, rankings)).toEqual(trace)
  })

  test('of range', () => {
    const ballots = [
      { a: 1, b: 50.5, c: 0 },
      { a: 2, b: 0, c: 100 },
    ]
    expect(count('range', { candidates: ['a', 'b', 'c'], ballots, weights: [2, 0.5] }).trace).toEqual([
      'b has the highest sum of scores, 101',
      'scores: b 101, c 50, a 3',
    ])
  })

  test('of the dictators', () => {
    expect(traceOf('informed_dictator', cycle, { dictator: ['c', 'a'] })).toEqual([
      "c leads the dictator's ranking",
      'the ranking: c and a',
    ])
    expect(traceOf('blind_dictator', 'b>c, b>c', { seed: 'x' })).toEqual([
      'b leads the ballot drawn by lot',
      'the ballot: b and c',
    ])
    expect(count('blind_dictator', { candidates: ['a', 'b'], ballots: [], seed: 'x' }).trace).toEqual([
      'no ballot could be drawn',
      'the ballot: ',
    ])
  })

  test('of a draw by lot', () => {
    const { order, trace } = count('random', { candidates: ['a', 'b', 'c'], ballots: [], seed: 'x' })
    const [[first] = [], [second] = [], [third] = []] = order
    expect(trace).toEqual([
      `${String(first)} was drawn by lot`,
      `drawn in this order: ${String(first)}, ${String(second)} and ${String(third)}`,
    ])
  })
})

describe('the trace gives weights as people wrote them', () => {
  const weights = [0.25, 1.5, 0.75]

  test.each<[MethodName, string[]]>([
    ['plurality', ['a has the most first places, 1.75 of 2.5', 'first places: a 1.75, b 0.75, c 0']],
    ['borda', ['a has the most points, 4.25 of at most 5', 'points: a 4.25, b 1.75, c 1.5']],
    ['irv', ['a is the last candidate, after 2 rounds', 'round 1: a 1.75, b 0.75, c 0; removed: c']],
    ['minimax', ['a has no defeat in pairs', 'a: no defeat', 'b: by 1 against a', 'c: by 2.5 against a']],
  ])('%s', (method, trace) => {
    expect(traceOf(method, clear, { weights }).slice(0, trace.length)).toEqual(trace)
  })
})
