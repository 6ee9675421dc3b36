import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TokenPage } from '../../../src/agents/tokens/token-stream.ts'
import { answerFeed } from '../../../src/api/chat/answer-feed.ts'
import { parseResumePoint, type ServerFrame } from '../../../src/api/chat/frames.ts'
import { eventCatalogue } from '../../../src/events/catalogue.ts'
import { chatStream, type ChatEvent } from '../../../src/events/chat.ts'
import { beginning, Principal } from '../../../src/events/identifiers.ts'
import type { ReadOptions } from '../../../src/events/log/log.ts'
import { startTail } from '../../../src/events/log/read/tail.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { newId } from '../../support/council.ts'
import { memoryServer } from '../../support/memory-log/memory-log.ts'

const at = '2026-11-23T12:00:00.000Z'
const bill = {
  costMicros: 38,
  tokens: { promptTokens: 12, completionTokens: 7 },
  timings: { queuedMs: 1, firstTokenMs: 2, totalMs: 3 },
}
const routed: ChatEvent = {
  type: 'RequestRouted',
  data: { path: 'fast', intent: 'question', by: 'rule', confidence: 1 },
}
const completed = (text: string): ChatEvent => ({
  type: 'AnswerCompleted',
  data: { text, finishReason: 'stop', degraded: false, ...bill },
})
const failed = (text: string): ChatEvent => ({
  type: 'AnswerFailed',
  data: { code: 'interrupted', message: 'the stream broke', text, ...bill },
})
const cancelled = (text: string): ChatEvent => ({ type: 'AnswerCancelled', data: { text, ...bill } })

/**
 * One answer in an in-memory log, with a token stream that a test can fill and lose. The feed reads pages of `pageSize`
 * events and waits for `beforePage` before each.
 */
async function openAnswer({ pageSize = 1000, beforePage = () => Promise.resolve() } = {}) {
  const log = memoryServer(systemClock, { pageSize }).open()
  const tail = startTail(log, beginning)
  const requestId = newId()
  const stream = chatStream(requestId)
  const wakes = new Set<() => void>()
  const wake = () => wakes.forEach((listener) => listener())
  let revision = 0
  let streamed: string | null = ''
  const record = async (...events: ChatEvent[]) => {
    const result = await log.append({
      commands: [{ principal: Principal.parse('tester'), commandId: newId(), contentHash: '', events: events.length }],
      reads: [{ stream, revision }],
      events: events.map(({ type, data }) => ({
        stream,
        type,
        version: eventCatalogue[type].version,
        data: JSON.stringify(data),
        metadata: JSON.stringify({
          eventId: newId(),
          commandId: newId(),
          correlationId: requestId,
          causationId: requestId,
          actor: 'tester',
          contentHash: '',
          occurredAt: at,
        }),
      })),
      states: [{ stream, stateVersion: 1, state: '{}' }],
      jobs: [],
      finishedJobs: [],
    })
    if (result.result !== 'appended') throw new Error(`not appended: ${result.result}`)
    revision += events.length
    return result.positions[0] ?? beginning
  }
  const first = await record({
    type: 'PromptSubmitted',
    data: { requestId, conversationId: requestId, text: 'Why?', submittedAt: at },
  })
  const readTokens = async (_: unknown, afterId: string): Promise<TokenPage> => {
    if (streamed === null) throw new Error('Connection is closed.')
    const text = streamed.slice(Number(afterId.split('-')[0]))
    return {
      text,
      endOffset: streamed.length,
      begun: [],
      previews: [],
      firstTextAtMs: null,
      lastId: `${streamed.length}-0`,
    }
  }
  const wakeups = {
    listen(_: unknown, listener: () => void) {
      wakes.add(listener)
      return () => void wakes.delete(listener)
    },
    close: () => undefined,
  }
  async function* read(options?: ReadOptions) {
    for await (const page of log.read(options)) {
      await beforePage()
      yield page
    }
  }
  const abort = new AbortController()
  return {
    record,
    /** Resolves when the tail has delivered an event of this type. */
    delivered: (type: ChatEvent['type']) =>
      new Promise<void>((resolve) => tail.listen(stream, (event) => event.type === type && resolve())),
    write(text: string) {
      streamed = (streamed ?? '') + text
      wake()
    },
    /** The ephemeral Redis is unreachable, or has forgotten the text. */
    lose(how: 'unreachable' | 'forgotten') {
      streamed = how === 'forgotten' ? '' : null
      wake()
    },
    feed: (lastEventId?: string) =>
      answerFeed(
        { log: { ...log, read }, tail, wakeups, readTokens },
        requestId,
        first,
        lastEventId === undefined ? null : parseResumePoint(lastEventId),
        abort.signal,
      ),
    listeners: () => wakes.size,
    abort: () => abort.abort(),
    close: () => tail.stop(),
  }
}

type Answer = Awaited<ReturnType<typeof openAnswer>>

/** The next frames of a feed that stays open. */
async function take(feed: AsyncGenerator<ServerFrame>, count: number): Promise<ServerFrame[]> {
  const frames: ServerFrame[] = []
  while (frames.length < count) {
    const next = await feed.next()
    if (next.done) throw new Error(`the feed ended after ${frames.length} frames`)
    frames.push(next.value)
  }
  return frames
}

const rest = (feed: AsyncGenerator<ServerFrame>): Promise<ServerFrame[]> => Array.fromAsync(feed)
const types = (frames: readonly ServerFrame[]): string[] => frames.map(({ type }) => type)
const textOf = (frames: readonly ServerFrame[]): string =>
  frames.map((frame) => (frame.type === 'token' ? frame.text : '')).join('')
const idOf = (frame: ServerFrame | undefined): string => (frame && 'id' in frame ? frame.id : '')

async function withAnswer(work: (answer: Answer) => Promise<void>): Promise<void> {
  const answer = await openAnswer()
  await work(answer).finally(answer.close)
}

describe('a feed', () => {
  test('streams tokens as they are written, then the terminal frame', () =>
    withAnswer(async (answer) => {
      const feed = answer.feed()
      expect(types(await take(feed, 1))).toEqual(['accepted'])
      await answer.record(routed)
      expect(types(await take(feed, 1))).toEqual(['routed'])
      for (const piece of ['The sky ', 'is blue.']) {
        answer.write(piece)
        expect(await take(feed, 1)).toMatchObject([{ type: 'token', text: piece }])
      }
      await answer.record(completed('The sky is blue.'))
      expect(await rest(feed)).toMatchObject([{ type: 'completed', text: 'The sky is blue.', costMicros: 38 }])
      expect(answer.listeners()).toBe(0)
    }))

  test('holds back tokens until the route is recorded', () =>
    withAnswer(async (answer) => {
      answer.write('Early.')
      const feed = answer.feed()
      expect(types(await take(feed, 1))).toEqual(['accepted'])
      const next = take(feed, 2)
      answer.write(' Later.')
      await answer.record(routed)
      expect(await next).toMatchObject([{ type: 'routed' }, { type: 'token', text: 'Early. Later.' }])
      answer.abort()
    }))

  test.each(['unreachable', 'forgotten'] as const)('takes the missing text from the log when tokens are %s', (how) =>
    withAnswer(async (answer) => {
      await answer.record(routed)
      const feed = answer.feed()
      await take(feed, 2)
      answer.write('The sky ')
      expect(textOf(await take(feed, 1))).toBe('The sky ')
      answer.lose(how)
      await answer.record(completed('The sky is blue.'))
      expect(await rest(feed)).toMatchObject([{ type: 'token', text: 'is blue.' }, { type: 'completed' }])
    }),
  )

  test('leaves a hole in the token stream to the terminal event', () =>
    withAnswer(async (answer) => {
      await answer.record(routed)
      answer.lose('unreachable')
      const feed = answer.feed()
      await take(feed, 2)
      answer.lose('forgotten')
      await answer.record(completed('All of it.'))
      expect(await rest(feed)).toMatchObject([{ type: 'token', text: 'All of it.' }, { type: 'completed' }])
    }))

  test.each([
    ['completed', completed],
    ['failed', failed],
    ['cancelled', cancelled],
  ] as const)('of an answer that has %s ends with that frame', (type, ending) =>
    withAnswer(async (answer) => {
      await answer.record(routed)
      await answer.record(ending('Some text.'))
      const frames = await rest(answer.feed())
      expect(types(frames)).toEqual(['accepted', 'routed', 'token', type])
      expect(textOf(frames)).toBe('Some text.')
    }),
  )

  test('of an answer that failed before its route still has an ending', () =>
    withAnswer(async (answer) => {
      await answer.record(failed(''))
      expect(types(await rest(answer.feed()))).toEqual(['accepted', 'failed'])
    }))

  test('loses no frame of an answer that ends while the feed reads its earlier events', async () => {
    const pauses: (() => Promise<void>)[] = []
    const answer = await openAnswer({ pageSize: 1, beforePage: async () => pauses.shift()?.() })
    try {
      const isRouted = answer.delivered('RequestRouted')
      await answer.record(routed)
      await isRouted
      pauses.push(async () => {
        const hasEnded = answer.delivered('AnswerCompleted')
        await answer.record(completed('Some text.'))
        await hasEnded
      })
      expect(types(await rest(answer.feed()))).toEqual(['accepted', 'routed', 'token', 'completed'])
    } finally {
      await answer.close()
    }
  })

  test('ends without a terminal frame when its signal aborts', () =>
    withAnswer(async (answer) => {
      const feed = answer.feed()
      await take(feed, 1)
      const end = feed.next()
      answer.abort()
      expect(await end).toMatchObject({ done: true })
      expect(answer.listeners()).toBe(0)
    }))

  test.each([
    ['text that was never streamed', (frames: ServerFrame[]) => idOf(frames.at(-1)).replace(/~\d+$/, '~999')],
    ['an event of another answer', () => '1-1~0'],
  ])('refuses a resume point after %s', (_, pointOf) =>
    withAnswer(async (answer) => {
      await answer.record(routed)
      await answer.record(completed('Short.'))
      const point = pointOf(await rest(answer.feed()))
      expect(await rest(answer.feed(point))).toMatchObject([{ type: 'error', code: 'bad_resume_point' }])
    }),
  )
})

describe('a resumed feed', () => {
  const pieces = fc.array(fc.string({ minLength: 1, maxLength: 8 }), { maxLength: 6 })
  const ending = fc.constantFrom(completed, failed, cancelled)
  const tokens = fc.constantFrom('kept', 'unreachable', 'forgotten')

  test('continues exactly after each frame, whether or not the token stream survived', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, ending, tokens, async (parts, end, kept) =>
        withAnswer(async (answer) => {
          const live = answer.feed()
          await answer.record(routed)
          const frames = await take(live, 2)
          for (const piece of parts) {
            answer.write(piece)
            frames.push(...(await take(live, 1)))
          }
          if (kept === 'unreachable' || kept === 'forgotten') answer.lose(kept)
          await answer.record(end(parts.join('')))
          frames.push(...(await rest(live)))
          expect(textOf(frames)).toBe(parts.join(''))

          for (const [index, frame] of frames.entries()) {
            const later = frames.slice(index + 1)
            const resumed = await rest(answer.feed(idOf(frame)))
            expect(textOf(resumed)).toBe(textOf(later))
            expect(resumed.filter(({ type }) => type !== 'token')).toEqual(later.filter(({ type }) => type !== 'token'))
            expect(idOf(resumed.at(-1))).toBe(idOf(later.at(-1)))
          }
        }),
      ),
      { numRuns: 40 },
    )
  })
})
