import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ServerFrame } from '../../../src/api/chat/frames.ts'
import { firstIdentity } from '../../../src/api/access/identity.ts'
import { chatStream } from '../../../src/events/chat.ts'
import { newId } from '../../support/council.ts'
import { at, liveScene } from '../../support/live.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const settled = () => vi.advanceTimersByTimeAsync(5_000)
const isChange = (frame: ServerFrame) => frame.type === 'change'
const positionsIn = (frames: readonly ServerFrame[]): unknown[] =>
  frames.filter(isChange).flatMap(({ events = [] }) => events.map((event) => event['position']))
/** Resolves after some turns of the queue of promises. */
async function afterTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve()
}
const all = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, n) => at(from + n))

describe('the topic events', () => {
  test('says where it begins, then sends each event once, in order', async () => {
    const scene = liveScene()
    scene.append('ModeSwitched', 1)
    const socket = scene.connect()
    await socket.subscribe({ topics: ['events'] })
    await settled()
    expect(socket.frames).toEqual([{ type: 'change', topic: 'events', position: at(1), events: [] }])
    for (let n = 2; n <= 30; n++) scene.append('ModeSwitched', n)
    await settled()
    expect(positionsIn(socket.frames)).toEqual(all(2, 30))
    expect(scene.log.reads).toBe(0)
  })

  test('goes on after a position, with the events that were appended meanwhile and while it reads', async () => {
    const scene = liveScene()
    for (let n = 1; n <= 250; n++) scene.append('ModeSwitched', n)
    const socket = scene.connect()
    socket.socket.isSlow = true
    await socket.subscribe({ topics: ['events'], after: at(5) })
    await settled()
    scene.append('ModeSwitched', 251)
    socket.socket.isSlow = false
    socket.release()
    await settled()
    scene.append('ModeSwitched', 252)
    await settled()
    expect(positionsIn(socket.frames)).toEqual(all(6, 252))
  })

  test('loses no event that comes at the moment in which it has caught up', async () => {
    for (let turns = 0; turns < 20; turns++) {
      const scene = liveScene()
      for (let n = 1; n <= 3; n++) scene.append('ModeSwitched', n)
      scene.log.atEnd = () => {
        scene.log.atEnd = () => undefined
        void afterTurns(turns).then(() => scene.append('ModeSwitched', 4))
      }
      const socket = scene.connect()
      await socket.subscribe({ topics: ['events'], after: at(1) })
      await settled()
      expect([turns, positionsIn(socket.frames)]).toEqual([turns, all(2, 4)])
    }
  })

  test('has only the events that match every filter', async () => {
    const scene = liveScene()
    const socket = scene.connect()
    const requestId = newId()
    const stream = chatStream(requestId)
    const topics = [
      'events?type=ModeSwitched,PromptSubmitted',
      `events?stream=${stream}`,
      'events?stream=chat/*&type=PromptSubmitted',
      'events?actor=user:bob',
      `events?request=${requestId}`,
    ]
    await socket.subscribe({ topics })
    scene.append('ModeSwitched', 1)
    scene.append('PromptSubmitted', 2, {}, { stream })
    scene.append('AttemptStarted', 3, {}, { stream })
    await settled()
    const of = (topic: string) =>
      positionsIn(socket.frames.filter((frame) => 'topic' in frame && frame.topic === topic))
    expect(topics.map(of)).toEqual([[at(1), at(2)], [at(2), at(3)], [at(2)], [], []])
  })

  test('of a slow reader is read from the log again: nothing is kept for it, and nothing is lost', async () => {
    const scene = liveScene()
    const socket = scene.connect()
    socket.socket.isSlow = true
    await socket.subscribe({ topics: ['events'] })
    for (let n = 1; n <= 3_000; n++) scene.append('ModeSwitched', n)
    await settled()
    expect(positionsIn(socket.frames).length).toBeLessThan(1_001)
    socket.socket.isSlow = false
    socket.release()
    socket.release()
    await settled()
    expect(positionsIn(socket.frames)).toEqual(all(1, 3_000))
    expect(scene.log.reads).toBeGreaterThan(0)
  })

  test('moves the position on where nothing matches, so that a client need not read it all again', async () => {
    const scene = liveScene()
    const socket = scene.connect()
    await socket.subscribe({ topics: ['events?type=TokenIssued'] })
    for (let n = 1; n <= 3_000; n++) {
      scene.append('ModeSwitched', n)
      if (n % 500 === 0) await settled()
    }
    expect(socket.frames.at(-1)).toMatchObject({ events: [] })
    expect(socket.frames.length).toBe(2)
  })

  test('is not read on for a client that has missed over 10,000 events', async () => {
    const scene = liveScene()
    for (let n = 1; n <= 10_200; n++) scene.append('ModeSwitched', n)
    const socket = scene.connect()
    await socket.subscribe({ topics: ['events?type=TokenIssued'], after: at(1) })
    await settled()
    expect(socket.frames.at(-1)).toMatchObject({
      type: 'error',
      topic: 'events?type=TokenIssued',
      code: 'too_far_behind',
    })
    expect(scene.listening()).toBe(0)
  })

  test('tells once that the log cannot be read, and goes on when it can', async () => {
    const scene = liveScene()
    scene.append('ModeSwitched', 1)
    scene.append('ModeSwitched', 2)
    scene.log.isAway = true
    const socket = scene.connect()
    await socket.subscribe({ topics: ['events'], after: at(1) })
    await settled()
    expect(socket.frames).toEqual([
      { type: 'error', topic: 'events', code: 'log_unavailable', message: expect.stringContaining('Redis') },
    ])
    scene.log.isAway = false
    await settled()
    expect(positionsIn(socket.frames)).toEqual([at(2)])
  })

  test('ends with its subscription', async () => {
    const scene = liveScene()
    const socket = scene.connect()
    await socket.subscribe({ topics: ['events'] })
    await settled()
    await socket.unsubscribe(['events'])
    scene.append('ModeSwitched', 1)
    await settled()
    expect(positionsIn(socket.frames)).toEqual([])
    expect(scene.listening()).toBe(0)
  })

  test.each([
    ['events?type=Nothing', 'malformed_request'],
    ['events?order=asc', 'malformed_request'],
    ['events?after=1-0', 'malformed_request'],
    ['events/1-0', 'topic_unknown'],
  ])('%s is refused: %s', async (topic, code) => {
    const socket = liveScene().connect()
    await socket.subscribe({ topics: [topic] })
    expect(socket.frames[0]).toMatchObject({ type: 'error', topic, code })
  })

  test('needs the scope events:read', async () => {
    const socket = liveScene().connect({ ...firstIdentity, scopes: new Set(['chat:read']) })
    await socket.subscribe({ topics: ['events'] })
    expect(socket.frames[0]).toMatchObject({ code: 'scope_missing', scope: 'events:read', topic: 'events' })
  })
})
