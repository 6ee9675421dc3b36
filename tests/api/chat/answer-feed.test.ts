import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ServerFrame } from '../../../src/api/chat/frames.ts'
import {
  cancelled,
  completed,
  failed,
  idOf,
  openAnswer,
  rest,
  routed,
  take,
  textOf,
  types,
  withAnswer,
  type Delivery,
} from '../../support/memory-answer.ts'

describe('a feed', () => {
  test('streams tokens as they are written, then the terminal frame', () =>
    withAnswer(async (answer) => {
      const feed = answer.feed()
      expect(types(await take(feed, 1))).toEqual(['accepted'])
      await answer.record(routed())
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
      await answer.record(routed())
      expect(await next).toMatchObject([{ type: 'routed' }, { type: 'token', text: 'Early. Later.' }])
      answer.abort()
    }))

  test('reads the token stream once, and then takes the pieces from their messages', () =>
    withAnswer(async (answer) => {
      const feed = answer.feed()
      await answer.record(routed())
      await take(feed, 2)
      answer.write('a')
      expect(textOf(await take(feed, 1))).toBe('a')
      const reads = answer.reads()
      for (const piece of ['b', 'c', 'd']) {
        answer.write(piece)
        expect(textOf(await take(feed, 1))).toBe(piece)
      }
      expect(answer.reads()).toBe(reads)
      answer.abort()
    }))

  test('shows every piece once, whatever becomes of the messages', async () => {
    const deliveries = fc.array(fc.constantFrom<Delivery>('once', 'twice', 'never', 'empty'), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(deliveries, async (messages) => {
        const upcoming = [...messages]
        await withAnswer(
          async (answer) => {
            const feed = answer.feed()
            await answer.record(routed())
            const frames = await take(feed, 2)
            let streamed = 0
            for (const [number, delivery] of messages.entries()) {
              answer.write(`${number} `)
              if (delivery === 'never') continue
              frames.push(...(await take(feed, 1)))
              streamed = number + 1
            }
            const numbers = messages.map((_, number) => `${number} `)
            expect(textOf(frames)).toBe(numbers.slice(0, streamed).join(''))
            await answer.record(completed(numbers.join('')))
            expect(textOf([...frames, ...(await rest(feed))])).toBe(numbers.join(''))
          },
          { message: () => upcoming.shift() ?? 'once' },
        )
      }),
      { numRuns: 60 },
    )
  })

  test.each(['unreachable', 'forgotten'] as const)('takes the missing text from the log when tokens are %s', (how) =>
    withAnswer(async (answer) => {
      await answer.record(routed())
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
      await answer.record(routed())
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
      await answer.record(routed())
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
      await answer.record(routed())
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
      await answer.record(routed())
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
          await answer.record(routed())
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
