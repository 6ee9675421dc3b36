import { describe, expect, test } from 'vitest'
import type { CastableBallot, VotingMethod } from '../../src/events/election.ts'
import { meanPlaces, placeOf, preferredTo } from '../../src/gedi/places.ts'

describe('the place of a candidate on a ballot', () => {
  test('is its rank', () => {
    expect(['B', 'C', 'A'].map((label) => placeOf('schulze', ['B', 'C'], label))).toEqual([1, 2, null])
  })

  test('is the first one of all approved candidates', () => {
    expect(['A', 'B', 'C'].map((label) => placeOf('approval', ['C', 'A'], label))).toEqual([1, null, 1])
  })

  test('is shared by candidates with equal scores', () => {
    expect(['A', 'B', 'C', 'D', 'E'].map((label) => placeOf('range', { A: 7, B: 90, C: 7, D: 0 }, label))).toEqual([
      2,
      1,
      2,
      4,
      null,
    ])
  })
})

test('tied candidates of a result share the mean of their places', () => {
  expect([...meanPlaces([['B'], ['A', 'D'], ['C', 'E', 'F']])]).toEqual([
    ['B', 1],
    ['A', 2.5],
    ['D', 2.5],
    ['C', 5],
    ['E', 5],
    ['F', 5],
  ])
})

describe('the candidates that a ballot prefers to the winner', () => {
  test.each<[string, VotingMethod, CastableBallot, string, string[]]>([
    ['above it in a ranking', 'schulze', ['B', 'C', 'A'], 'A', ['B', 'C']],
    ['none, if the ranking puts it first', 'schulze', ['B', 'C', 'A'], 'B', []],
    ['none, if the ranking omits it', 'schulze', ['B', 'C'], 'A', []],
    ['all approved ones, if it is not one of them', 'approval', ['C', 'B'], 'A', ['C', 'B']],
    ['none, if it is approved too', 'approval', ['C', 'B', 'A'], 'A', []],
    ['those with a higher score', 'range', { A: 7, B: 90, C: 7, D: 0 }, 'A', ['B']],
    ['none, if it has no score', 'range', { B: 90, C: 7 }, 'A', []],
  ])('are %s', (_, method, ballot, winner, preferred) => {
    expect(preferredTo(method, ballot, winner)).toEqual(preferred)
  })
})
