import { describe, expect, test } from 'vitest'
import { chatStream } from '../../src/events/chat.ts'
import { beginning, comparePositions, justBefore, type Position } from '../../src/events/identifiers.ts'
import type { EventLog, ReadOptions } from '../../src/events/log/log.ts'
import { newId } from '../support/council.ts'
import { write } from '../support/log-requests.ts'
import { everythingIn } from './log-subject.ts'

const aStream = () => chatStream(newId())

const positionsIn = async (log: EventLog, options: ReadOptions): Promise<Position[]> =>
  (await everythingIn(log, options)).map(({ position }) => position)

export function reads(log: EventLog): void {
  describe('reading', () => {
    test('selects by position, stream, type and limit, forward and backward', async () => {
      const stream = aStream()
      const from = await log.head()
      for (const revision of [0, 1, 2])
        await log.append(
          write([
            { stream, revision },
            { stream: aStream(), revision: 0 },
          ]),
        )
      const all = await positionsIn(log, { after: from })
      expect(all).toHaveLength(6)
      const mine = await positionsIn(log, { after: from, streams: [stream] })
      expect(mine).toEqual([all[0], all[2], all[4]])
      const [, second, third] = mine
      expect(await positionsIn(log, { after: justBefore(second!), upTo: second! })).toEqual([second])
      expect(await positionsIn(log, { after: second!, upTo: third! })).toEqual([all[3], third])
      expect(await positionsIn(log, { streams: [stream], types: ['AnswerFailed'] })).toEqual([])
      expect(await positionsIn(log, { after: from, limit: 2 })).toEqual(all.slice(0, 2))
      expect(await positionsIn(log, { after: from, streams: [stream], limit: 2 })).toEqual(mine.slice(0, 2))
      expect(await positionsIn(log, { after: from, direction: 'backward' })).toEqual(all.toReversed())
      expect(await positionsIn(log, { after: from, upTo: third!, direction: 'backward', limit: 2 })).toEqual([
        third,
        all[3],
      ])
      expect(await positionsIn(log, { after: all.at(-1)! })).toEqual([])
      expect(await log.head()).toBe(all.at(-1))
    })

    test('loads states in the requested order', async () => {
      const [known, unknown] = [aStream(), aStream()]
      await log.append(write([{ stream: known, revision: 0 }]))
      expect(await log.loadStates([unknown, known, unknown])).toMatchObject([
        { status: 'absent' },
        { stream: known, status: 'live' },
        { status: 'absent' },
      ])
      expect(await log.loadStates([])).toEqual([])
    })

    test('follows a growing log without a gap from any position until it is aborted', async () => {
      const abort = new AbortController()
      const streams = Array.from({ length: 50 }, aStream)
      const from = await log.head()
      const seen: string[] = []
      const following = (async () => {
        for await (const events of log.follow(from, abort.signal)) {
          seen.push(...events.map(({ stream }) => stream))
          if (seen.length >= streams.length) abort.abort()
        }
      })()
      for (const stream of streams) await log.append(write([{ stream, revision: 0 }]))
      await following
      expect(seen).toEqual(streams)
    })

    test('stops following when it is aborted without new events', async () => {
      const abort = new AbortController()
      const following = (async () => {
        for await (const events of log.follow(await log.head(), abort.signal))
          throw new Error(`${events.length} events from nowhere`)
      })()
      abort.abort()
      await following
      expect(abort.signal.aborted).toBe(true)
    })

    test('gives every event a position above those before it', async () => {
      const all = (await everythingIn(log)).map(({ position }) => position)
      expect(all.length).toBeGreaterThan(10)
      all.reduce((before, position) => {
        expect(comparePositions(before, position)).toBeLessThan(0)
        return position
      }, beginning)
    })
  })
}
