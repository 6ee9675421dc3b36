/** The events of a deliberation, as a worker records them. */

import { budgetStream } from '../../src/events/budget.ts'
import type { ChatEvent } from '../../src/events/chat.ts'
import type { ElectionEvent } from '../../src/events/election.ts'
import type { Uuid7 } from '../../src/events/identifiers.ts'

export const members = ['analyst', 'sceptic', 'pragmatist'] as const
const labels: Record<string, string> = { analyst: 'A', sceptic: 'B', pragmatist: 'C' }

export const attemptStarted = (attempt: number): ChatEvent => ({
  type: 'AttemptStarted',
  data: { attempt, worker: `worker-${attempt}`, startedAt: '2026-11-23T12:00:00.000Z' },
})
export const call = (phase: string, member = 'council', attempt = 1): ChatEvent => ({
  type: 'ModelCallStarted',
  data: {
    callId: `${attempt}-${phase}-${member}`,
    attempt,
    phase,
    member,
    model: 'scripted',
    budgets: [budgetStream('council', '2026-11-23')],
    reservedMicros: 10,
  },
})
export const calls = (phase: string, who: readonly string[] = members, attempt = 1) =>
  who.map((member) => call(phase, member, attempt))
export const drafted = (member: string, text: string): ChatEvent => ({
  type: 'DraftProduced',
  data: { member, text, callId: 'c' },
})
export const draftFailed = (member: string): ChatEvent => ({
  type: 'DraftFailed',
  data: { member, why: 'late', text: '' },
})
export const reviewed = (member: string): ChatEvent => ({
  type: 'CritiqueProduced',
  data: { member, text: 'Fine.', callId: 'c' },
})
export const voted = (member: string, ballot: string[] | Record<string, number>): ElectionEvent => ({
  type: 'BallotCast',
  data: { member, ballot },
})
export const abstained = (member: string): ElectionEvent => ({
  type: 'BallotRejected',
  data: { member, why: 'invalid' },
})
export const opened = (
  requestId: Uuid7,
  rules: Partial<Extract<ElectionEvent, { type: 'ElectionOpened' }>['data']> = {},
): ElectionEvent => ({
  type: 'ElectionOpened',
  data: {
    electionId: requestId,
    purpose: 'answer',
    ref: requestId,
    candidates: members.map((member) => ({ label: labels[member] ?? '', standsFor: member, author: member })),
    electorate: members.map((member) => ({ member, weight: 1 })),
    ownCandidateAllowed: false,
    method: 'ranked_pairs',
    quorum: 2,
    seed: '0123456789abcdef',
    openedAt: '2026-11-23T12:00:00.000Z',
    ...rules,
  },
})
export const decided = (
  changes: Partial<Extract<ElectionEvent, { type: 'ElectionDecided' }>['data']> = {},
): ElectionEvent => ({
  type: 'ElectionDecided',
  data: {
    method: 'ranked_pairs',
    winners: ['B'],
    winner: 'B',
    order: [['B'], ['A', 'C']],
    tally: { A: 0, B: 2, C: 0 },
    trace: ['B beats all others', 'B beats A: 2 against 1'],
    ballots: 3,
    quorumMet: true,
    ...changes,
  },
})
export const electionFailed: ElectionEvent = { type: 'ElectionFailed', data: { why: 'quorum', ballots: 1, quorum: 2 } }
