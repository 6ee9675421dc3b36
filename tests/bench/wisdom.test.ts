import { describe, expect, test } from 'vitest'
import { deliberationOf, type Deliberation } from '../../bench/wisdom/deliberation.ts'
import { electedUnder } from '../../bench/wisdom/elected.ts'
import type { Question } from '../../bench/wisdom/question.ts'
import { attemptsOf, difference, disagreementOf, rowsOf, tableOf } from '../../bench/wisdom/report.ts'
import type { ElectionRules } from '../../src/events/election.ts'
import { methodNames } from '../../src/gedi/election.ts'
import { answeredByCouncil } from '../support/deliberation.ts'
import { testCouncil } from '../support/lifetimes.ts'

const members = ['ann', 'bob', 'cy']
const rules: ElectionRules = {
  purpose: 'answer',
  ref: 'request',
  candidates: [
    { label: 'A', standsFor: 'bob', author: 'bob' },
    { label: 'B', standsFor: 'cy', author: 'cy' },
    { label: 'C', standsFor: 'ann', author: 'ann' },
  ],
  electorate: members.map((member) => ({ member, weight: 1 })),
  ownCandidateAllowed: true,
  method: 'ranked_pairs',
  quorum: 2,
  seed: 'a seed of 16 characters or more',
}
/** Two of three prefer B; the first member prefers C. */
const ballots = [
  { member: 'ann', ballot: ['C', 'B', 'A'] },
  { member: 'bob', ballot: ['B', 'A', 'C'] },
  { member: 'cy', ballot: ['B', 'C', 'A'] },
]
const full: Deliberation = {
  answer: 'Answer: 5',
  degraded: [],
  costMicros: 100,
  totalMs: 2_000,
  drafts: [
    { member: 'ann', text: 'Answer: 3', costMicros: 10 },
    { member: 'bob', text: 'Answer: 9', costMicros: 11 },
    { member: 'cy', text: 'Answer: 4', costMicros: 12 },
  ],
  electionMicros: 80,
  rules,
  ballots,
  abstentions: 0,
}
const fast: Deliberation = {
  ...full,
  answer: 'Answer: 4',
  costMicros: 7,
  totalMs: 300,
  drafts: [],
  rules: undefined,
  ballots: [],
}
const question: Question = {
  id: 'q',
  kind: 'arithmetic',
  text: '2 + 2?',
  check: { type: 'number', value: 4, tolerance: 0 },
}

describe('the draft that a method elects', () => {
  test('is that of the recorded ballots', () => {
    const elected = electedUnder({ rules, ballots })
    expect(elected.get('ranked_pairs')).toBe('cy')
    expect(elected.get('plurality')).toBe('cy')
    expect(elected.get('informed_dictator')).toBe('ann')
    expect([...elected.keys()].toSorted()).toEqual([...methodNames].toSorted())
  })

  test('counts the weight of each member', () => {
    const heavy = { ...rules, electorate: members.map((member) => ({ member, weight: member === 'ann' ? 5 : 1 })) }
    expect(electedUnder({ rules: heavy, ballots }).get('plurality')).toBe('ann')
  })

  test('is absent where a method cannot count the ballots', () => {
    const incomplete = [
      { member: 'ann', ballot: ['A', 'B'] },
      { member: 'bob', ballot: ['A', 'C'] },
    ]
    const elected = electedUnder({ rules, ballots: incomplete })
    expect(elected.has('plurality')).toBe(false)
    expect(elected.get('schulze')).toBe('bob')
  })
})

describe('the results of a question', () => {
  const attempts = attemptsOf({ question, fast, full }, members)
  const resultOf = (way: string) => attempts.find((attempt) => attempt.way === way)

  test('have each way with its own answer and cost', () => {
    expect(resultOf('fast')).toEqual({ way: 'fast', isRight: true, costMicros: 7, ms: 300 })
    expect(resultOf('full (chair)')).toEqual({ way: 'full (chair)', isRight: false, costMicros: 100, ms: 2_000 })
    expect(resultOf('ann alone')).toEqual({ way: 'ann alone', isRight: false, costMicros: 10, ms: null })
    expect(resultOf('cy alone')).toMatchObject({ isRight: true, costMicros: 12 })
    expect(resultOf('ranked_pairs')).toEqual({ way: 'ranked_pairs', isRight: true, costMicros: 80, ms: null })
    expect(resultOf('informed_dictator')).toMatchObject({ isRight: false })
    expect(resultOf('any draft right')).toMatchObject({ isRight: true })
  })

  test('are wrong for each way without an answer', () => {
    const silent = { ...full, answer: null, drafts: [], rules: undefined, ballots: [] }
    const all = attemptsOf({ question, fast: { ...fast, answer: null }, full: silent }, members)
    expect(all.length).toBe(attempts.length)
    expect(all.filter((attempt) => attempt.isRight)).toEqual([])
  })

  test('add up to shares, means and differences', () => {
    const wrong = attemptsOf(
      { question: { ...question, check: { type: 'number', value: 5, tolerance: 0 } }, fast, full },
      members,
    )
    const rows = rowsOf([...attempts, ...wrong])
    expect(rows.find(({ way }) => way === 'fast')).toMatchObject({
      hits: 1,
      of: 2,
      share: 0.5,
      meanMicros: 7,
      meanMs: 300,
    })
    expect(rows.find(({ way }) => way === 'borda')).toMatchObject({ meanMs: null })
    expect(difference(rows, 'full (chair)', 'ann alone')).toBe(0.5)
    expect(difference(rows, 'full (chair)', 'none')).toBeNaN()
    const results = [{ attempts }, { attempts: wrong }, { attempts }]
    expect(disagreementOf(results, 'full (chair)', 'fast')).toEqual({ only: 1, onlyOther: 2 })
    expect(disagreementOf(results, 'fast', 'cy alone')).toEqual({ only: 0, onlyOther: 0 })
    expect(tableOf(rows)).toContain('| fast | 1 | 2 | 0.500 (0.095 to 0.905) | 7 | 300 |')
  })
})

describe('a deliberation read from the log', () => {
  test('has the answer, the drafts, the ballots and their costs', async () => {
    const council = await testCouncil()
    await answeredByCouncil(council, { analyst: ['B', 'C'], sceptic: null, pragmatist: ['B', 'A'] })
    const read = deliberationOf(await council.events())
    expect(read).toMatchObject({
      answer: 'Paris.',
      degraded: [],
      drafts: ['analyst', 'sceptic', 'pragmatist'].map((member) => ({
        member,
        text: `A draft by ${member}.`,
        costMicros: 10,
      })),
      ballots: [
        { member: 'analyst', ballot: ['B', 'C'] },
        { member: 'pragmatist', ballot: ['B', 'A'] },
      ],
      abstentions: 1,
      rules: { method: 'ranked_pairs', quorum: 2 },
    })
    // Three drafts of 10 micro-dollars, and three votes of 5.
    expect(read.electionMicros).toBe(45)
    expect(read.costMicros).toBe(45)
    expect(read.rules && electedUnder({ rules: read.rules, ballots: read.ballots }).get('ranked_pairs')).toBe('sceptic')
  })

  test('has no answer without events', () => {
    expect(deliberationOf([])).toMatchObject({ answer: null, drafts: [], costMicros: 0, rules: undefined })
  })
})
