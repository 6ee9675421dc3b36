import { describe, expect, test } from 'vitest'
import type { ElectionRules } from '../../src/events/election.ts'
import { ballotProblem, decideElection, needsAllCandidates } from '../../src/gedi/decide.ts'
import { methodNames } from '../../src/gedi/election.ts'

const rulesFor = (labels: string, changes: Partial<ElectionRules> = {}): ElectionRules => ({
  purpose: 'answer',
  ref: 'the request',
  candidates: labels.split('').map((label) => ({ label, standsFor: `draft ${label}`, author: `author-${label}` })),
  electorate: ['ada', 'ben', 'cyd'].map((member) => ({ member, weight: 1 })),
  ownCandidateAllowed: true,
  method: 'plurality',
  quorum: 1,
  seed: 'the seed of this election',
  ...changes,
})
const cast = (member: string, ranking: string) => ({ member, ballot: ranking.split('') })

describe('the end of an election', () => {
  test('has its result, its figures and the reason', () => {
    expect(decideElection(rulesFor('ABC'), [cast('ada', 'BAC'), cast('ben', 'ABC'), cast('cyd', 'BCA')])).toEqual({
      type: 'ElectionDecided',
      data: {
        method: 'plurality',
        winners: ['B'],
        winner: 'B',
        order: [['B'], ['A'], ['C']],
        tally: { A: 1, B: 2, C: 0 },
        trace: ['B has the most first places, 2 of 3', 'first places: B 2, A 1, C 0'],
        ballots: 3,
        quorumMet: true,
      },
    })
  })

  test('names all winners of a tie, and takes one of them by the seed', () => {
    const taken = Array.from({ length: 40 }, (_, seed) => {
      const ending = decideElection(rulesFor('ABC', { seed: `the seed number ${seed}` }), [
        cast('ada', 'ABC'),
        cast('ben', 'CBA'),
      ])
      expect(ending.data).toMatchObject({ winners: ['A', 'C'], tieBreak: { among: ['A', 'C'], by: 'seed' } })
      return 'winner' in ending.data && ending.data.winner
    })
    expect(new Set(taken)).toEqual(new Set(['A', 'C']))
  })

  test('counts the ballot of each member by its weight, and that of a stranger not at all', () => {
    const electorate = [
      { member: 'ada', weight: 1 },
      { member: 'ben', weight: 2.5 },
    ]
    const ending = decideElection(rulesFor('AB', { electorate }), [
      cast('ada', 'AB'),
      cast('ben', 'BA'),
      cast('stranger', 'AB'),
    ])
    expect(ending.data).toMatchObject({ winner: 'B', tally: { A: 1, B: 2.5 } })
  })

  test.each([
    [1, 2, 'ElectionFailed'],
    [2, 2, 'ElectionDecided'],
  ])('with %i ballots of a quorum of %i is %s', (given, quorum, type) => {
    const ballots = [cast('ada', 'AB'), cast('ben', 'AB')].slice(0, given)
    expect(decideElection(rulesFor('AB', { quorum }), ballots).type).toBe(type)
  })

  test('is a failure below the quorum that says how many ballots there were', () => {
    expect(decideElection(rulesFor('AB', { quorum: 2 }), [cast('ada', 'AB')])).toEqual({
      type: 'ElectionFailed',
      data: { why: 'quorum', ballots: 1, quorum: 2 },
    })
  })

  test('is the ranking of the dictator, even against all other ballots', () => {
    const rules = rulesFor('AB', { method: 'informed_dictator', dictator: 'cyd' })
    const ending = decideElection(rules, [cast('ada', 'AB'), cast('ben', 'AB'), cast('cyd', 'BA')])
    expect(ending.data).toMatchObject({ winner: 'B', order: [['B'], ['A']], ballots: 3 })
  })

  test.each([
    ['has cast no ballot', []],
    ['has cast scores instead of a ranking', [{ member: 'cyd', ballot: { A: 1, B: 2 } }]],
  ])('is a failure if the dictator %s', (_, dictators) => {
    const rules = rulesFor('AB', { method: 'informed_dictator', dictator: 'cyd' })
    expect(decideElection(rules, [cast('ada', 'AB'), ...dictators])).toEqual({
      type: 'ElectionFailed',
      data: { why: 'dictator', ballots: 1 + dictators.length, quorum: 1 },
    })
  })

  test('needs no ballot of a dictator under any other method', () => {
    expect(decideElection(rulesFor('AB', { dictator: 'cyd' }), [cast('ada', 'AB')]).type).toBe('ElectionDecided')
  })
})

describe('the trace that the log keeps', () => {
  const labels = 'ABCDEFGHIJKLMNOPQRSTU'
  const traceOf = (...rankings: string[]): string[] => {
    const ballots = rankings.map((ranking, voter) => cast(['ada', 'ben'][voter] ?? '', ranking))
    const ending = decideElection(rulesFor(labels, { method: 'ranked_pairs' }), ballots)
    return ending.type === 'ElectionDecided' ? ending.data.trace : []
  }

  test('ends after 200 steps with the number of those left out', () => {
    // The reason and 210 pairs. Left out are P > U and the 10 pairs of Q to U.
    const trace = traceOf(labels)
    expect(trace).toHaveLength(201)
    expect(trace.slice(-2)).toEqual(['locked: P > T by 1', 'and 11 more steps'])
  })

  test('is complete if it has 200 steps', () => {
    // The second ballot places A below B to L, so 11 of the 210 pairs have no majority.
    const trace = traceOf(labels, 'BCDEFGHIJKLAMNOPQRSTU')
    expect(trace).toHaveLength(200)
    expect(trace.at(-1)).toBe('locked: T > U by 2')
  })
})

describe('a ballot of a member', () => {
  const own = rulesFor('ABC', { ownCandidateAllowed: false, method: 'schulze' })

  test.each([
    ['ranks every draft but its own', own, ['C', 'B'], null],
    ['ranks its own draft', own, ['C', 'A', 'B'], 'unknown_candidate'],
    ['omits a draft of another member', own, ['C'], 'incomplete'],
    ['omits its own draft where it may rank it', { ...own, ownCandidateAllowed: true }, ['C', 'B'], 'incomplete'],
    ['ranks its own draft where it may', { ...own, ownCandidateAllowed: true }, ['A', 'C', 'B'], null],
    ['approves one draft', { ...own, method: 'approval' as const }, ['C'], null],
    ['approves none', { ...own, method: 'approval' as const }, [], null],
    ['scores the drafts of the others', { ...own, method: 'range' as const }, { B: 3, C: 4 }, null],
    ['scores one draft', { ...own, method: 'range' as const }, { B: 3 }, 'missing_score'],
  ])('that %s has the problem: %4$s', (_, rules, ballot, problem) => {
    expect(ballotProblem(rules, 'author-A', ballot)).toBe(problem)
  })
})

test('methods that give points to places, and scores, need all candidates on each ballot', () => {
  expect(methodNames.filter((method) => needsAllCandidates({ method }))).toEqual([
    'plurality',
    'borda',
    'bucklin',
    'irv',
    'range',
  ])
})

test.each(methodNames.filter((method) => method !== 'approval' && method !== 'range'))(
  'under %s, a ballot is a ranking of all candidates',
  (method) => {
    const rules = rulesFor('ABC', { method })
    expect(ballotProblem(rules, 'ada', ['C', 'A', 'B'])).toBeNull()
    expect(ballotProblem(rules, 'ada', ['C', 'A'])).toBe('incomplete')
  },
)
