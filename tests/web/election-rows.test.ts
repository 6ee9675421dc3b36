import { describe, expect, test } from 'vitest'
import { methodName, placeOn, sentenceOf, type ElectionRow } from '../../web/council/election-rows.ts'

const election: ElectionRow = {
  election: 'e',
  purpose: 'answer',
  ref: 'e',
  method: 'ranked_pairs',
  status: 'decided',
  winner: 'B',
  winnerMember: 'sceptic',
  winners: ['B'],
  order: [['B'], ['A']],
  tally: { A: 0, B: 1 },
  reason: null,
  quorum: 2,
  ballotsCast: 2,
  abstentions: 1,
  candidates: [
    { label: 'A', standsFor: 'analyst', author: 'analyst' },
    { label: 'B', standsFor: 'sceptic', author: 'sceptic' },
  ],
  electorate: ['analyst', 'sceptic', 'pragmatist'].map((member) => ({ member, weight: 1 })),
  openedAt: '2026-11-26T10:00:00.000Z',
  closedAt: null,
}

describe('the result of an election in one sentence', () => {
  test('names the author of the elected draft, or the verdict', () => {
    expect(sentenceOf(election)).toBe('Ranked pairs elects B, the draft of sceptic.')
    const verdicts = [{ label: 'B', standsFor: 'reward_and_bonus' }]
    expect(sentenceOf({ ...election, candidates: verdicts })).toBe('Ranked pairs elects B: reward and bonus.')
  })

  test('names no author while the vote is open, and the reason where it failed', () => {
    expect(sentenceOf({ ...election, status: 'open', winner: null })).toBe('The vote is open, with 2 of 3 ballots.')
    expect(sentenceOf({ ...election, status: 'failed', why: 'quorum' })).toBe(
      'The vote failed for want of a quorum, with 2 of 3 ballots.',
    )
  })
})

test('the place of a label is its rank, its approval or its score, and nothing where the ballot does not name it', () => {
  expect(placeOn(['B', 'A'], 'A', 'ranked_pairs')).toBe('2')
  expect(placeOn(['B'], 'A', 'ranked_pairs')).toBeNull()
  expect(placeOn(['B'], 'B', 'approval')).toBe('✓')
  expect(placeOn({ A: 0, B: 70 }, 'A', 'range')).toBe('0')
  expect(placeOn({ A: 0 }, 'B', 'range')).toBeNull()
  expect(placeOn(null, 'A', 'borda')).toBeNull()
})

test.each([
  ['irv', 'Instant run-off'],
  ['blind_dictator', 'Blind dictator'],
])('the method %s is called %s', (method, name) => expect(methodName(method)).toBe(name))
