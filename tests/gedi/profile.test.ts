import { describe, expect, test } from 'vitest'
import { GediError, type BallotKind, type Election } from '../../src/gedi/election.ts'
import { assertComplete, readProfile, rejectionOf } from '../../src/gedi/profile.ts'

const candidates = ['a', 'b', 'c']
const groupsOf = (kind: BallotKind, election: Election) => readProfile(kind, election).profile.groups

describe('equal ballots form one group', () => {
  test('of rankings', () => {
    const ballots = ['abc', 'bca', 'abc'].map((ballot) => ballot.split(''))
    expect(groupsOf('ranking', { candidates, ballots })).toEqual([
      { ballot: [0, 1, 2], weight: 2 },
      { ballot: [1, 2, 0], weight: 1 },
    ])
  })

  test('of approvals, in whatever order', () => {
    const ballots = ['cb', 'bc', ''].map((ballot) => ballot.split('').filter(Boolean))
    expect(groupsOf('approvals', { candidates, ballots, weights: [1, 0.5, 0.25] })).toEqual([
      { ballot: [1, 2], weight: 150 },
      { ballot: [], weight: 25 },
    ])
  })

  test('of scores, however fine they are', () => {
    const ballots = [
      { a: 65.537, b: 0 },
      { a: 0.001, b: 0 },
      { b: 0, a: 65.537 },
    ]
    expect(groupsOf('scores', { candidates: ['a', 'b'], ballots })).toEqual([
      { ballot: [65_537, 0], weight: 2 },
      { ballot: [1, 0], weight: 1 },
    ])
  })
})

test('a profile has its total and its unit in whole numbers', () => {
  const scores = [
    { a: 0.5, b: 1, c: 2 },
    { a: 1.25, b: 1, c: 2 },
  ]
  expect(readProfile('scores', { candidates, ballots: scores, weights: [0.1, 2], seed: 'x' }).profile).toEqual({
    candidates,
    groups: [
      { ballot: [50, 100, 200], weight: 1 },
      { ballot: [125, 100, 200], weight: 20 },
    ],
    total: 21,
    unit: 1_000,
    seed: 'x',
    dictator: undefined,
  })
})

describe('the limits of an election:', () => {
  const refusalOf = (kind: BallotKind, election: Election): unknown => {
    try {
      readProfile(kind, election)
      return 'none'
    } catch (error) {
      return error instanceof GediError ? { code: error.code, message: error.message } : error
    }
  }
  const many = (size: number) => Array.from({ length: size }, (_, index) => index)
  const tooLarge = { code: 'weights_invalid', message: 'the weights are too large or too fine to be added exactly' }
  const malformed = {
    code: 'weights_invalid',
    message: 'weights are one per ballot, not negative, with at most six decimals',
  }
  const wrongCandidates = { code: 'candidates_invalid', message: 'an election has 1 to 50 different candidates' }

  test.each<[string, BallotKind, Election, unknown]>([
    ['50 candidates', 'ranking', { candidates: many(50), ballots: [] }, 'none'],
    ['51 candidates', 'ranking', { candidates: many(51), ballots: [] }, wrongCandidates],
    ['a weight of 0', 'ranking', { candidates, ballots: [['a']], weights: [0] }, 'none'],
    ['a negative weight', 'ranking', { candidates, ballots: [['a']], weights: [-0.5] }, malformed],
    ['a weight too many', 'ranking', { candidates, ballots: [['a']], weights: [1, 1] }, malformed],
    ['a total of 2^46', 'ranking', { candidates, ballots: [['a']], weights: [2 ** 46] }, 'none'],
    ['a total above 2^46', 'ranking', { candidates, ballots: [['a']], weights: [2 ** 46 + 1] }, tooLarge],
    ['a total of 2^45 in halves', 'ranking', { candidates, ballots: [['a']], weights: [2 ** 45 + 0.5] }, tooLarge],
    [
      'a total of 2^45, and scores in tenths',
      'scores',
      { candidates: ['a'], ballots: [{ a: 0.5 }], weights: [2 ** 45] },
      tooLarge,
    ],
    [
      'a total of 2^46 only with a rejected ballot',
      'ranking',
      { candidates, ballots: [['a'], ['d']], weights: [1, 2 ** 46] },
      'none',
    ],
  ])('%s', (_, kind, election, refusal) => {
    expect(refusalOf(kind, election)).toEqual(refusal)
  })
})

describe('a ballot is rejected', () => {
  test.each<[BallotKind, unknown, string | null]>([
    ['ranking', ['a'], null],
    ['ranking', [], 'empty'],
    ['ranking', { a: 1 }, 'not_a_list'],
    ['approvals', [], null],
    ['approvals', 'ab', 'not_a_list'],
    ['approvals', ['a', 'a'], 'repeated_candidate'],
    ['scores', { a: 0, b: 100, c: 99.999_999 }, null],
    ['scores', null, 'not_scores'],
    ['scores', 7, 'not_scores'],
    ['scores', [1, 2, 3], 'not_scores'],
    ['scores', { a: 1, b: 2, c: 0.000_000_1 }, 'not_scores'],
    ['scores', { a: 1, b: 2, c: NaN }, 'not_scores'],
    ['scores', { a: 1, b: 2, c: null }, 'not_scores'],
    ['scores', { a: 1, b: 2, c: 100.5 }, 'score_out_of_scale'],
    ['scores', { a: 1, b: 2, c: -0.5 }, 'score_out_of_scale'],
    ['scores', { a: 1, b: 2 }, 'missing_score'],
    ['scores', Object.create({ a: 1, b: 2, c: 3 }), 'missing_score'],
  ])('as %s %o: %s', (kind, ballot, reason) => {
    expect(rejectionOf(kind, candidates, ballot)).toBe(reason)
  })
})

test('a refusal of incomplete ballots says how many candidates one ranks', () => {
  const profileOf = (...ballots: string[]) =>
    readProfile('ranking', { candidates, ballots: ballots.map((ballot) => ballot.split('')) }).profile
  expect(() => assertComplete(profileOf('abc', 'cab'))).not.toThrow()
  expect(() => assertComplete(profileOf('abc', 'ca'))).toThrow(
    'a ballot ranks 2 of 3 candidates; this method needs complete rankings',
  )
})
