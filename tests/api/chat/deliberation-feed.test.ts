import { describe, expect, test } from 'vitest'
import type { ServerFrame } from '../../../src/api/chat/frames.ts'
import {
  abstained,
  attemptStarted,
  call,
  calls,
  decided,
  drafted,
  draftFailed,
  electionFailed,
  members,
  opened,
  reviewed,
  voted,
} from '../../support/deliberation-events.ts'
import {
  bill,
  cancelled,
  completed,
  failed,
  rest,
  routed,
  take,
  withAnswer,
  type MemoryAnswer,
} from '../../support/memory-answer.ts'

/** A frame in one line. */
function line(frame: ServerFrame): string {
  switch (frame.type) {
    case 'phase':
      return `${frame.phase} ${frame.state}`
    case 'member': {
      const more = 'text' in frame ? `: ${frame.text}` : 'why' in frame ? `: ${frame.why}` : ''
      return `${frame.member} ${frame.state}${more}`
    }
    case 'vote':
      return `vote ${frame.result}`
    case 'token':
      return `token: ${frame.text}`
    default:
      return frame.type
  }
}
const linesOf = (frames: readonly ServerFrame[]): string[] => frames.map(line)

/** The live feed of an answer whose members draft, after the frames so far. */
async function drafting(answer: MemoryAnswer): Promise<AsyncGenerator<ServerFrame>> {
  const feed = answer.feed()
  await answer.record(attemptStarted(1))
  await answer.record(routed('full'))
  await answer.record(...calls('draft'))
  expect(linesOf(await take(feed, 6))).toEqual([
    'accepted',
    'routed',
    'draft started',
    ...members.map((member) => `${member} started`),
  ])
  return feed
}

/** Records the drafts of all members and opens their election. */
async function recordDrafts({ record, requestId }: MemoryAnswer): Promise<void> {
  for (const member of members) await record(drafted(member, `By ${member}.`))
  await record(opened(requestId))
}

const voteOf = (frames: readonly ServerFrame[]) => frames.find((frame) => frame.type === 'vote')

describe('a feed of a deliberation', () => {
  test('shows each phase once, the members, the vote and the answer', () =>
    withAnswer(async (answer) => {
      const feed = await drafting(answer)
      answer.preview('analyst', 'The capital')
      expect(linesOf(await take(feed, 1))).toEqual(['analyst drafting: The capital'])
      await answer.record(drafted('analyst', 'The capital is Paris.'))
      await answer.record(draftFailed('pragmatist'))
      await answer.record(drafted('sceptic', 'Paris.'))
      await answer.record(opened(answer.requestId))
      await answer.record(...calls('critique'))
      await answer.record(reviewed('sceptic'))
      await answer.record(...calls('vote'))
      await answer.record(voted('analyst', ['B']))
      await answer.record(abstained('sceptic'))
      // The repair of a ballot is one more call of the same phase.
      await answer.record(call('vote', 'pragmatist'))
      await answer.record(voted('pragmatist', ['A', 'B']))
      await answer.record(decided())
      await answer.record(call('synthesize', 'chair'))
      answer.write('Paris.')
      await answer.record(completed('Paris.'))
      expect(linesOf(await rest(feed))).toEqual([
        'analyst drafted: The capital is Paris.',
        'pragmatist failed: late',
        'sceptic drafted: Paris.',
        'draft completed',
        'critique started',
        'sceptic reviewed',
        'critique completed',
        'vote started',
        'analyst voted',
        'sceptic abstained: invalid',
        'pragmatist voted',
        'vote completed',
        'vote decided',
        'synthesize started',
        'token: Paris.',
        'synthesize completed',
        'completed',
      ])
    }))

  test('names the members of the candidates, and the candidates that a judge preferred to the winner', () =>
    withAnswer(async (answer) => {
      const feed = await drafting(answer)
      await recordDrafts(answer)
      await answer.record(voted('analyst', ['B', 'C']), voted('sceptic', ['A', 'C']), voted('pragmatist', ['A', 'B']))
      await answer.record(decided({ winners: ['A', 'B'], tieBreak: { among: ['A', 'B'], by: 'seed' } }))
      await answer.record(cancelled(''))
      expect(voteOf(await rest(feed))).toMatchObject({
        result: 'decided',
        method: 'ranked_pairs',
        order: [['B'], ['A', 'C']],
        tally: { A: 0, B: 2, C: 0 },
        winners: ['A', 'B'],
        winner: 'B',
        tieBreak: { among: ['A', 'B'], by: 'seed' },
        candidates: { A: 'analyst', B: 'sceptic', C: 'pragmatist' },
        // The sceptic wrote the winner, so its ballot says nothing about it.
        dissent: { pragmatist: ['A'] },
        trace: ['B beats all others', 'B beats A: 2 against 1'],
      })
    }))

  test.each([
    ['scores', 'range', { A: 70, B: 60, C: 60 }, ['A']],
    ['approvals', 'approval', ['A'], ['A']],
    ['approvals of the winner too', 'approval', ['A', 'B'], undefined],
  ] as const)('finds the dissent in %s', (_, method, ballot, preferred) =>
    withAnswer(async (answer) => {
      const feed = await drafting(answer)
      await recordDrafts(answer)
      await answer.record(voted('pragmatist', Array.isArray(ballot) ? [...ballot] : { ...(ballot as object) }))
      await answer.record(decided({ method }))
      await answer.record(cancelled(''))
      expect(voteOf(await rest(feed))).toMatchObject({ dissent: preferred ? { pragmatist: preferred } : {} })
    }),
  )

  test('shows the start of a long trace only', () =>
    withAnswer(async (answer) => {
      const feed = await drafting(answer)
      await recordDrafts(answer)
      await answer.record(decided({ trace: Array.from({ length: 200 }, (_, round) => `round ${round}`) }))
      await answer.record(cancelled(''))
      const vote = voteOf(await rest(feed))
      expect(vote).toMatchObject({ trace: expect.arrayContaining(['round 0', 'round 19']) as unknown })
      expect(JSON.stringify(vote)).not.toContain('round 20')
    }))

  test('says why a vote has no result, and why an answer is degraded', () =>
    withAnswer(async (answer) => {
      const feed = await drafting(answer)
      await recordDrafts(answer)
      await answer.record(electionFailed)
      const reasons = ['ballots_below_quorum' as const]
      const data = { text: 'Paris.', finishReason: 'stop' as const, degraded: true, reasons, ...bill }
      await answer.record({ type: 'AnswerCompleted', data })
      const frames = await rest(feed)
      expect(voteOf(frames)).toMatchObject({ result: 'failed', why: 'quorum' })
      expect(frames.at(-1)).toMatchObject({ type: 'completed', degraded: true, reasons })
    }))

  test('completes the drafts when too few of them are left and one model answers', () =>
    withAnswer(async (answer) => {
      const feed = await drafting(answer)
      for (const member of members) await answer.record(draftFailed(member))
      await answer.record(call('respond'))
      await answer.record(completed(''))
      expect(linesOf(await rest(feed)).slice(3)).toEqual([
        'draft completed',
        'respond started',
        'respond completed',
        'completed',
      ])
    }))

  test.each([
    ['failed', failed],
    ['cancelled', cancelled],
  ] as const)('leaves the phase open in which the answer has %s', (type, ending) =>
    withAnswer(async (answer) => {
      const feed = await drafting(answer)
      await answer.record(ending(''))
      expect(linesOf(await rest(feed))).toEqual([type])
    }),
  )

  test('completes the choice of the path before it shows the route', () =>
    withAnswer(async (answer) => {
      await answer.record(attemptStarted(1))
      await answer.record(call('triage'))
      await answer.record({
        type: 'RequestRouted',
        data: { path: 'full', intent: 'complex', by: 'classifier', confidence: 0.9, seating: 'abc' },
      })
      const frames = await take(answer.feed(), 4)
      expect(linesOf(frames)).toEqual(['accepted', 'triage started', 'triage completed', 'routed'])
      expect(frames.at(-1)).toMatchObject({ by: 'classifier', seating: 'abc' })
    }))
})

describe('an attempt that takes over', () => {
  test('starts a phase again only if it has work left in it', () =>
    withAnswer(async (answer) => {
      const feed = await drafting(answer)
      await answer.record(drafted('analyst', 'Paris.'))
      await answer.record(attemptStarted(2))
      await answer.record(...calls('draft', ['sceptic', 'pragmatist'], 2))
      await answer.record(drafted('sceptic', 'Paris.'))
      await answer.record(drafted('pragmatist', 'Paris.'))
      await answer.record(attemptStarted(3))
      await answer.record(opened(answer.requestId))
      await answer.record(...calls('vote', members, 3))
      await answer.record(cancelled(''))
      expect(linesOf(await rest(feed))).toEqual([
        'analyst drafted: Paris.',
        'draft started',
        'sceptic started',
        'pragmatist started',
        'sceptic drafted: Paris.',
        'pragmatist drafted: Paris.',
        'draft completed',
        'vote started',
        'cancelled',
      ])
    }))

  test('does not complete a phase that it leaves for an earlier one', () =>
    withAnswer(async (answer) => {
      const feed = await drafting(answer)
      await answer.record(call('respond'))
      await answer.record(attemptStarted(2))
      await answer.record(...calls('draft', ['analyst'], 2))
      await answer.record(cancelled(''))
      expect(linesOf(await rest(feed))).toEqual([
        'draft completed',
        'respond started',
        'draft started',
        'analyst started',
        'cancelled',
      ])
    }))

  test('shows its own previews of a member after a new start of its draft', () =>
    withAnswer(async (answer) => {
      const feed = await drafting(answer)
      answer.preview('analyst', 'First')
      expect(linesOf(await take(feed, 1))).toEqual(['analyst drafting: First'])
      await answer.record(attemptStarted(2))
      // The new worker has started its calls, but their events reach this process late.
      answer.preview('analyst', 'Second', 2)
      await answer.record(...calls('draft', ['analyst'], 2))
      await answer.record(drafted('analyst', 'Second.'))
      expect(linesOf(await take(feed, 4))).toEqual([
        'draft started',
        'analyst started',
        'analyst drafting: Second',
        'analyst drafted: Second.',
      ])
      answer.preview('analyst', 'Late', 2)
      await answer.record(cancelled(''))
      expect(linesOf(await rest(feed))).toEqual(['cancelled'])
    }))
})
