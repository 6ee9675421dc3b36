import { describe, expect, test } from 'vitest'
import { election } from '../../../src/commands/aggregates/election.ts'
import { stepAggregates } from '../../../src/commands/budget/settlement.ts'
import { CastBallot } from '../../../src/commands/election/cast-ballot.ts'
import { CloseElection } from '../../../src/commands/election/close-election.ts'
import { OpenElection } from '../../../src/commands/election/open-election.ts'
import { RejectBallot } from '../../../src/commands/election/reject-ballot.ts'
import { chatStream } from '../../../src/events/chat.ts'
import type { ElectionEvent, ElectionRules } from '../../../src/events/election.ts'
import { count } from '../../../src/gedi/count.ts'
import { newUuid7 } from '../../../src/platform/ids.ts'
import type { Uuid7 } from '../../../src/events/identifiers.ts'
import { given } from '../../support/decider.ts'

const electionId = newUuid7() as Uuid7
const rules: ElectionRules = {
  purpose: 'answer',
  ref: electionId,
  candidates: ['analyst', 'sceptic', 'pragmatist'].map((author, index) => ({
    label: 'ABC'.charAt(index),
    standsFor: author,
    author,
  })),
  electorate: ['analyst', 'sceptic', 'pragmatist'].map((member) => ({ member, weight: 1 })),
  ownCandidateAllowed: false,
  method: 'ranked_pairs',
  quorum: 2,
  seed: 'the seed of this election',
}
const opened = (changes: Partial<ElectionRules> = {}): ElectionEvent => ({
  type: 'ElectionOpened',
  data: { electionId, ...rules, ...changes, openedAt: '2026-11-23T12:00:00.000Z' },
})
const cast = (member: string, ballot: string): ElectionEvent => ({
  type: 'BallotCast',
  data: { member, ballot: ballot.split('') },
})
const abstained = (member: string): ElectionEvent => ({ type: 'BallotRejected', data: { member, why: 'late' } })
const after = (...events: ElectionEvent[]) => given({ election, ...stepAggregates }, { election: events })

describe('opening an election', () => {
  test('records its rules, its seed and the meaning of each label', () => {
    after()
      .when(OpenElection, { electionId, ...rules })
      .thenMatches({ accepted: { election: [opened()] } })
  })

  test('is refused twice', () => {
    after(opened())
      .when(OpenElection, { electionId, ...rules })
      .then({ refused: 'election_exists' })
  })

  const twice = rules.candidates.slice(0, 1)
  test.each([
    ['two candidates with one label', { candidates: [...twice, ...twice] }, 'two candidates have one label'],
    [
      'a member twice',
      { electorate: [...rules.electorate, ...rules.electorate] },
      'a member is in the electorate twice',
    ],
    ['a quorum that cannot be met', { quorum: 4 }, 'the quorum is larger than the electorate'],
    [
      'a method that needs complete ballots, which members may not give',
      { method: 'borda' as const },
      'borda needs complete ballots, but members may not vote for their own candidates',
    ],
    ['no dictator', { method: 'informed_dictator' as const }, 'the dictator is not in the electorate'],
  ])('is refused with %s', (_, changes, reason) => {
    after()
      .when(OpenElection, { electionId, ...rules, ...changes })
      .then({ refused: 'election_invalid', details: { reason } })
  })

  test('accepts a method that needs complete ballots where members may vote for their own candidates', () => {
    after()
      .when(OpenElection, { electionId, ...rules, method: 'borda', ownCandidateAllowed: true })
      .thenMatches({ accepted: {} })
  })
})

describe('casting a ballot', () => {
  test('records it', () => {
    after(opened())
      .when(CastBallot, { electionId, member: 'analyst', ballot: ['C', 'B'] })
      .thenMatches({ accepted: { election: [cast('analyst', 'CB')] } })
  })

  test.each([
    ['is unknown', [], 'analyst', 'election_unknown'],
    [
      'has ended',
      [opened(), { type: 'ElectionFailed', data: { why: 'quorum', ballots: 0, quorum: 2 } }],
      'analyst',
      'election_closed',
    ],
    ['does not include the member', [opened()], 'stranger', 'not_in_electorate'],
    ['has its ballot', [opened(), cast('analyst', 'CB')], 'analyst', 'already_voted'],
    ['has its abstention', [opened(), abstained('analyst')], 'analyst', 'already_voted'],
  ] as const)('is refused if the election %s', (_, events, member, code) => {
    after(...(events as readonly ElectionEvent[]))
      .when(CastBallot, { electionId, member, ballot: ['C', 'B'] })
      .then({ refused: code })
  })

  test.each([
    ['its own draft', ['A', 'B', 'C'], 'unknown_candidate'],
    ['an unknown label', ['B', 'D'], 'unknown_candidate'],
    ['a label twice', ['B', 'B'], 'repeated_candidate'],
    ['nothing', [], 'empty'],
    ['only some labels', ['B'], 'incomplete'],
    ['scores instead of a ranking', { B: 1, C: 2 }, 'not_a_list'],
  ])('is refused with %s', (_, ballot, reason) => {
    after(opened())
      .when(CastBallot, { electionId, member: 'analyst', ballot })
      .then({ refused: 'ballot_invalid', details: { reason } })
  })

  test('accepts the own draft where the rules allow it', () => {
    after(opened({ ownCandidateAllowed: true }))
      .when(CastBallot, { electionId, member: 'analyst', ballot: ['A', 'B', 'C'] })
      .thenMatches({ accepted: {} })
  })
})

describe('an abstention', () => {
  test('records why, and what the member gave instead', () => {
    const essay = { member: 'analyst', why: 'invalid' as const, given: 'I think that all of them are good.' }
    after(opened())
      .when(RejectBallot, { electionId, ...essay })
      .thenMatches({ accepted: { election: [{ type: 'BallotRejected', data: essay }] } })
  })

  test('is refused after a vote', () => {
    after(opened(), cast('analyst', 'BC'))
      .when(RejectBallot, { electionId, member: 'analyst', why: 'late' })
      .then({ refused: 'already_voted' })
  })
})

describe('closing an election', () => {
  const decided = (...events: ElectionEvent[]) => after(...events).when(CloseElection, { electionId }).decision

  test('counts the ballots', () => {
    after(opened(), cast('analyst', 'CB'), cast('sceptic', 'CA'), cast('pragmatist', 'AB'))
      .when(CloseElection, { electionId })
      .thenMatches({
        accepted: {
          election: [
            {
              type: 'ElectionDecided',
              data: { winners: ['C'], winner: 'C', order: [['C'], ['A'], ['B']], ballots: 3, quorumMet: true },
            },
          ],
        },
      })
  })

  test('meets the quorum with exactly as many ballots', () => {
    after(opened(), cast('analyst', 'CB'), abstained('sceptic'), cast('pragmatist', 'AB'))
      .when(CloseElection, { electionId })
      .thenMatches({ accepted: { election: [{ type: 'ElectionDecided', data: { ballots: 2 } }] } })
  })

  test('fails below the quorum', () => {
    after(opened(), cast('analyst', 'CB'), abstained('sceptic'))
      .when(CloseElection, { electionId })
      .thenMatches({
        accepted: { election: [{ type: 'ElectionFailed', data: { why: 'quorum', ballots: 1, quorum: 2 } }] },
      })
  })

  test('keeps a tie of all, and takes one of the winners by the seed, the same one each time', () => {
    const tie = [opened(), cast('analyst', 'BC'), cast('sceptic', 'CA'), cast('pragmatist', 'AB')]
    const first = decided(...tie)
    expect(first).toMatchObject({
      events: { election: [{ data: { winners: ['A', 'B', 'C'], tieBreak: { among: ['A', 'B', 'C'], by: 'seed' } } }] },
    })
    expect(decided(...[tie[0]!, ...tie.slice(1).toReversed()])).toEqual(first)
    const winners = Array.from({ length: 60 }, (_, seed) => {
      const result = decided(opened({ seed: `the seed number ${seed}` }), ...tie.slice(1))
      return JSON.stringify(result).replace(/.*"winner":"(.)".*/, '$1')
    })
    expect(new Set(winners)).toEqual(new Set(['A', 'B', 'C']))
  })

  test('records no tie-break where there is no tie', () => {
    const events = [opened(), cast('analyst', 'CB'), cast('sceptic', 'CA'), cast('pragmatist', 'AB')]
    expect(JSON.stringify(decided(...events))).not.toContain('"tieBreak"')
  })

  test('weighs the ballots', () => {
    const electorate = [
      { member: 'analyst', weight: 1 },
      { member: 'sceptic', weight: 2.5 },
      { member: 'pragmatist', weight: 1 },
    ]
    after(
      opened({ electorate, ownCandidateAllowed: true }),
      cast('analyst', 'ABC'),
      cast('pragmatist', 'ACB'),
      cast('sceptic', 'CBA'),
    )
      .when(CloseElection, { electionId })
      .thenMatches({ accepted: { election: [{ type: 'ElectionDecided', data: { winners: ['C'] } }] } })
  })

  test('fails where the dictator has abstained', () => {
    const dictated = { method: 'informed_dictator' as const, dictator: 'sceptic' }
    after(opened(dictated), cast('analyst', 'BC'), cast('pragmatist', 'AB'), abstained('sceptic'))
      .when(CloseElection, { electionId })
      .thenMatches({ accepted: { election: [{ type: 'ElectionFailed', data: { why: 'dictator' } }] } })
    after(opened(dictated), cast('analyst', 'BC'), cast('pragmatist', 'AB'), cast('sceptic', 'CA'))
      .when(CloseElection, { electionId })
      .thenMatches({ accepted: { election: [{ type: 'ElectionDecided', data: { winner: 'C' } }] } })
  })

  test.each([
    ['is unknown', [], 'election_unknown'],
    [
      'has ended',
      [opened(), { type: 'ElectionFailed', data: { why: 'quorum', ballots: 0, quorum: 2 } }],
      'election_closed',
    ],
  ] as const)('is refused if the election %s', (_, events, code) => {
    after(...(events as readonly ElectionEvent[]))
      .when(CloseElection, { electionId })
      .then({ refused: code })
  })

  test('decides what an auditor counts from the same ballots', () => {
    const events = [opened(), cast('analyst', 'CB'), cast('sceptic', 'AC'), cast('pragmatist', 'AB')]
    const { winners, tally, order } = count('ranked_pairs', {
      candidates: ['A', 'B', 'C'],
      ballots: [
        ['C', 'B'],
        ['A', 'C'],
        ['A', 'B'],
      ],
    })
    expect(decided(...events)).toMatchObject({ events: { election: [{ data: { winners, tally, order } }] } })
  })
})

describe('a step of a worker', () => {
  test('is refused after another attempt has taken over', () => {
    given(
      { election, ...stepAggregates },
      {
        election: [opened()],
        chat: [
          {
            type: 'PromptSubmitted',
            data: {
              requestId: electionId,
              conversationId: electionId,
              text: 'x',
              submittedAt: '2026-11-23T12:00:00.000Z',
            },
          },
          { type: 'AttemptStarted', data: { attempt: 2, worker: 'w', startedAt: '2026-11-23T12:00:00.000Z' } },
        ],
      },
    )
      .when(CastBallot, {
        electionId,
        member: 'analyst',
        ballot: ['C', 'B'],
        step: { work: chatStream(electionId), attempt: 1 },
      })
      .then({ refused: 'attempt_superseded' })
  })
})
