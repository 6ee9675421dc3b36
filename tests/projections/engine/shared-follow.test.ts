import { expect, test } from 'vitest'
import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { beginning, Position } from '../../../src/events/identifiers.ts'
import type { ReadOptions } from '../../../src/events/log/log.ts'
import { sharedFollow } from '../../../src/projections/engine/shared-follow.ts'
import { eventAt } from '../../support/event-at.ts'

/** A log in memory that counts its reads; each append is one page. */
function countedLog() {
  const events: AnyRecordedEvent[] = []
  const counts = { reads: 0, follows: 0 }
  let grown = Promise.withResolvers<undefined>()
  let failure: Error | undefined
  const wake = () => {
    grown.resolve(undefined)
    grown = Promise.withResolvers()
  }
  const after = (position: Position) => Number(position.split('-')[0])
  return {
    counts,
    append: () => {
      events.push(eventAt(events.length + 1))
      wake()
    },
    /** Cuts the log off after this number of events. The result restores it. */
    lose: (kept: number) => {
      const lost = events.splice(kept)
      return () => {
        events.push(...lost)
        wake()
      }
    },
    fail: (error: Error) => {
      failure = error
      wake()
    },
    log: {
      head: async () => events.at(-1)?.position ?? beginning,
      async *read(options: ReadOptions = {}) {
        counts.reads++
        const page = events.slice(after(options.after ?? beginning))
        if (page.length > 0) yield page
      },
      async *follow(from: Position, signal: AbortSignal) {
        counts.follows++
        let next = after(from)
        signal.addEventListener('abort', wake)
        while (!signal.aborted) {
          if (next < events.length) yield [events[next++]!]
          else if (failure) throw failure
          else await grown.promise
        }
      },
    },
  }
}

/** Takes events until it has this number of them. */
async function taken(pages: AsyncGenerator<AnyRecordedEvent[]>, count: number): Promise<AnyRecordedEvent[]> {
  const events: AnyRecordedEvent[] = []
  while (events.length < count) events.push(...((await pages.next()).value as AnyRecordedEvent[]))
  return events
}

const sequences = (events: readonly AnyRecordedEvent[]) => events.map(({ sequence }) => sequence)
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

test('followers share one reader and get the same events', async () => {
  const { log, append, counts } = countedLog()
  const stop = new AbortController()
  const shared = sharedFollow(log)
  const followers = [shared.follow(beginning, stop.signal), shared.follow(beginning, stop.signal)]
  const both = Promise.all(followers.map((follower) => taken(follower, 3)))
  for (const _ of upTo(3)) append()
  const [first, second] = await both
  expect(sequences(first!)).toEqual(upTo(3))
  expect(first!.every((event, index) => event === second![index])).toBe(true)
  expect(counts.follows).toBe(1)
  stop.abort()
  expect((await followers[0]!.next()).done).toBe(true)
})

test('a follower that lags or joins late reads on its own, and misses and repeats nothing', async () => {
  const { log, append, counts } = countedLog()
  const stop = new AbortController()
  const shared = sharedFollow(log)
  const [fast, slow] = [shared.follow(beginning, stop.signal), shared.follow(beginning, stop.signal)]
  append()
  await Promise.all([taken(fast, 1), taken(slow, 1)])
  const reads = counts.reads
  for (const _ of upTo(49)) {
    append()
    await taken(fast, 1)
  }
  expect(sequences(await taken(slow, 49))).toEqual(upTo(50).slice(1))
  expect(counts.reads).toBeGreaterThan(reads)
  expect(sequences(await taken(shared.follow(Position.parse('20-0'), stop.signal), 30))).toEqual(upTo(50).slice(20))
  expect(counts.follows).toBe(1)
  stop.abort()
})

test('a follower that joins while the log lacks its tail misses nothing once the log is restored', async () => {
  const { log, append, lose } = countedLog()
  const stop = new AbortController()
  const shared = sharedFollow(log)
  for (const _ of upTo(4)) append()
  expect(sequences(await taken(shared.follow(beginning, stop.signal), 4))).toEqual(upTo(4))
  const restore = lose(2)
  const late = shared.follow(Position.parse('1-0'), stop.signal)
  expect(sequences(await taken(late, 1))).toEqual([2])
  const next = taken(late, 1)
  restore()
  append()
  expect(sequences([...(await next), ...(await taken(late, 2))])).toEqual([3, 4, 5])
  stop.abort()
})

test('a failure of the log reaches every follower after the events before it, and the next follower starts anew', async () => {
  const { log, append, fail, counts } = countedLog()
  const { signal } = new AbortController()
  const shared = sharedFollow(log)
  const followers = [shared.follow(beginning, signal), shared.follow(beginning, signal)]
  append()
  fail(new Error('the log is away'))
  for (const follower of followers) {
    expect(sequences(await taken(follower, 1))).toEqual([1])
    await expect(follower.next()).rejects.toThrow('the log is away')
  }
  expect(sequences(await taken(shared.follow(beginning, signal), 1))).toEqual([1])
  expect(counts.follows).toBeGreaterThan(1)
})
