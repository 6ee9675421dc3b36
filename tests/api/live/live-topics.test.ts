import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { firstIdentity, type Identity } from '../../../src/api/access/identity.ts'
import { Principal } from '../../../src/events/identifiers.ts'
import type { TokenScope } from '../../../src/events/token.ts'
import { newId } from '../../support/council.ts'
import { at, liveScene } from '../../support/live.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const viewer = (subject: string, ...scopes: TokenScope[]): Identity => ({
  ...firstIdentity,
  subject: Principal.parse(subject),
  scopes: new Set(scopes),
})
const change = (topic: string, n: number, value: object = { rows: n }) => ({
  type: 'change',
  topic,
  position: at(n),
  value,
})
const settled = () => vi.advanceTimersByTimeAsync(3_000)

describe('a subscription', () => {
  test('begins with the newest value, then gets each new one with its position', async () => {
    const scene = liveScene()
    const socket = scene.connect()
    await socket.subscribe({ topics: ['budgets'] })
    await settled()
    scene.append('BudgetDebited', 1)
    await settled()
    expect(socket.frames).toEqual([change('budgets', 0), change('budgets', 1)])
    expect(scene.model.reads).toEqual([
      { readModel: 'budgets', after: at(0) },
      { readModel: 'budgets', after: at(1) },
    ])
  })

  test('costs nothing while nothing happens that its read model handles', async () => {
    const scene = liveScene()
    const socket = scene.connect()
    await socket.subscribe({ topics: ['budgets'] })
    await settled()
    scene.append('TokenIssued', 1)
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(scene.model.reads).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
    expect(socket.frames).toHaveLength(1)
  })

  test('to the prompts of one person costs nothing while others ask', async () => {
    const scene = liveScene()
    const [ada, ben, auditor] = [
      scene.connect(viewer('user:ada', 'chat:read')),
      scene.connect(viewer('user:ben', 'chat:read')),
      scene.connect(viewer('user:eve', 'chat:read', 'chat:read-all')),
    ]
    for (const one of [ada, ben, auditor]) await one.subscribe({ topics: ['chats'] })
    await settled()
    const about = { data: { requestId: newId() }, metadata: { actor: Principal.parse('user:ben'), requestId: '' } }
    about.metadata.requestId = about.data.requestId
    scene.append('PromptSubmitted', 1, { rows: 1 }, about as object)
    const byWorker = { metadata: { ...about.metadata, actor: Principal.parse('service:worker') } }
    await settled()
    scene.append('AnswerCompleted', 2, { rows: 2 }, byWorker as object)
    await settled()
    const [first, second, third] = [change('chats', 0), change('chats', 1), change('chats', 2)]
    expect([ada.frames, ben.frames, auditor.frames]).toEqual([[first], [first, second, third], [first, second, third]])
    // The process has not seen the beginning of every prompt.
    const unknown = { metadata: { actor: Principal.parse('service:worker'), requestId: newId() } }
    scene.append('AnswerCompleted', 3, { rows: 3 }, unknown as object)
    await settled()
    expect(ada.frames).toEqual([first, change('chats', 3)])
  })

  test('gets no value twice', async () => {
    const scene = liveScene()
    const socket = scene.connect()
    await socket.subscribe({ topics: ['budgets'] })
    await settled()
    scene.append('BudgetDebited', 1, { rows: 0 })
    await settled()
    expect(scene.model.reads).toHaveLength(2)
    expect(socket.frames).toEqual([change('budgets', 0)])
  })

  test('gets at most four values a second, and the last one', async () => {
    const scene = liveScene()
    const socket = scene.connect()
    await socket.subscribe({ topics: ['budgets'] })
    await settled()
    for (let n = 1; n <= 100; n++) {
      scene.append('BudgetDebited', n)
      await vi.advanceTimersByTimeAsync(10)
    }
    await settled()
    expect(socket.frames.length).toBeGreaterThan(3)
    expect(socket.frames.length).toBeLessThanOrEqual(6)
    expect(socket.frames.at(-1)).toEqual(change('budgets', 100))
  })

  test('of a slow reader skips the values that it has missed', async () => {
    const scene = liveScene()
    const socket = scene.connect()
    socket.socket.isSlow = true
    await socket.subscribe({ topics: ['budgets', 'policies'] })
    await settled()
    for (let n = 1; n <= 5; n++) {
      scene.append('BudgetDebited', n)
      await settled()
    }
    expect(socket.frames).toEqual([change('budgets', 0)])
    socket.socket.isSlow = false
    socket.release()
    await settled()
    expect(socket.frames).toEqual([change('budgets', 0), change('policies', 0), change('budgets', 5)])
  })

  test('that goes on after a position gets nothing until there is a newer value', async () => {
    const scene = liveScene()
    const [first, second] = [scene.connect(), scene.connect()]
    await first.subscribe({ topics: ['budgets'] })
    scene.append('BudgetDebited', 4)
    await settled()
    await second.subscribe({ topics: ['budgets'], after: at(4) })
    await settled()
    expect(second.frames).toEqual([])
    scene.append('BudgetDebited', 5)
    await settled()
    expect(second.frames).toEqual([change('budgets', 5)])
  })

  test('ends with unsubscribe and with its socket, and then nothing listens', async () => {
    const scene = liveScene()
    const [first, second] = [scene.connect(), scene.connect()]
    await first.subscribe({ topics: ['budgets', 'mode'] })
    await second.subscribe({ topics: ['budgets'] })
    await settled()
    await first.unsubscribe(['budgets'])
    second.end()
    first.end()
    expect(scene.listening()).toBe(0)
    const sent = first.frames.length + second.frames.length
    scene.append('BudgetDebited', 1)
    await second.subscribe({ topics: ['budgets'] })
    await settled()
    expect(first.frames.length + second.frames.length).toBe(sent)
  })
})

describe('subscribers of one topic', () => {
  test('share one evaluation and the bytes of its value, also when they are others’ and the figures are for all', async () => {
    const scene = liveScene()
    const sockets = Array.from({ length: 60 }, (_, n) => scene.connect(viewer(`user:${n % 3}`, 'treasury:read')))
    for (const socket of sockets) await socket.subscribe({ topics: ['budgets'] })
    await settled()
    expect(scene.model.reads).toHaveLength(1)
    const [first] = sockets.map(({ raw }) => raw[0])
    for (const { raw } of sockets) expect(raw[0]).toBe(first)
  })

  test('share nothing that each sees otherwise: another subject, or other scopes', async () => {
    const scene = liveScene()
    const viewers = [
      viewer('user:ada', 'chat:read'),
      viewer('user:bob', 'chat:read'),
      viewer('user:ada', 'chat:read', 'chat:read-all'),
      viewer('user:ada', 'chat:read'),
    ]
    for (const each of viewers) await scene.connect(each).subscribe({ topics: ['chats?asker=me'] })
    await settled()
    expect(scene.model.reads).toHaveLength(3)
  })
})

describe('a read model that cannot be read', () => {
  test('is reported once, and its newest value comes when it is back, even if it is the same', async () => {
    const scene = liveScene()
    const [first, late] = [scene.connect(), scene.connect()]
    await first.subscribe({ topics: ['budgets'] })
    await settled()
    scene.model.answer = { outcome: 'unavailable', message: 'Postgres does not answer' }
    scene.append('BudgetDebited', 1, { rows: 0 })
    await vi.advanceTimersByTimeAsync(60_000)
    await late.subscribe({ topics: ['budgets'] })
    const fault = {
      type: 'error',
      topic: 'budgets',
      code: 'read_model_unavailable',
      message: 'read models: Postgres does not answer',
    }
    expect(first.frames).toEqual([change('budgets', 0), fault])
    expect(late.frames).toEqual([fault])
    expect(scene.model.reads.length).toBeLessThan(70)
    scene.model.answer = null
    await settled()
    expect(first.frames).toEqual([change('budgets', 0), fault, change('budgets', 1, { rows: 0 })])
    expect(late.frames).toEqual([fault, change('budgets', 1, { rows: 0 })])
  })

  test('is told at once to those who subscribe meanwhile', async () => {
    const scene = liveScene()
    scene.model.answer = { outcome: 'unavailable', message: 'Postgres does not answer' }
    const socket = scene.connect()
    await socket.subscribe({ topics: ['budgets'] })
    await vi.advanceTimersByTimeAsync(1)
    await socket.subscribe({ topics: ['budgets?limit=5'] })
    expect(socket.frames.map((frame) => 'topic' in frame && frame.topic)).toEqual(['budgets', 'budgets?limit=5'])
  })

  test('that lags shows what it has, and says so', async () => {
    const scene = liveScene()
    const socket = scene.connect()
    let isBehind = true
    Object.defineProperty(scene.model, 'answer', {
      get: () =>
        isBehind && scene.model.reads.at(-1)?.after ? { outcome: 'behind', position: scene.model.position } : null,
    })
    await socket.subscribe({ topics: ['budgets'] })
    await settled()
    expect(socket.frames).toEqual([
      change('budgets', 0),
      { type: 'error', topic: 'budgets', code: 'read_model_behind', message: `the read model is at ${at(0)}` },
    ])
    isBehind = false
    await settled()
    expect(socket.frames.at(-1)).toEqual(change('budgets', 0))
  })

  test('does not touch the topics of others', async () => {
    const scene = liveScene()
    const socket = scene.connect()
    scene.model.answer = new Error('a defect')
    await socket.subscribe({ topics: ['budgets'] })
    await settled()
    scene.model.answer = null
    await socket.subscribe({ topics: ['mode'] })
    await settled()
    expect(socket.frames).toEqual([
      expect.objectContaining({ type: 'error', topic: 'budgets', code: 'internal' }),
      change('mode', 0),
    ])
    scene.append('BudgetDebited', 1)
    await settled()
    expect(socket.frames.at(-1)).toEqual(change('budgets', 1))
  })
})

describe('a topic', () => {
  const refusal = async (topic: string, identity = firstIdentity) => {
    const socket = liveScene().connect(identity)
    await socket.subscribe({ topics: [topic] })
    return socket.frames[0]
  }

  test.each([
    ['treasury', 'topic_unknown'],
    ['/v1/budgets', 'topic_unknown'],
    ['budgets/', 'topic_unknown'],
    ['treasury/accounts/%zz', 'topic_unknown'],
    ['schedule', 'topic_unknown'],
    ['budgets?limit=0', 'malformed_request'],
    ['budgets?limit=1&limit=2', 'malformed_request'],
    ['budgets?colour=red', 'malformed_request'],
    ['budgets?after=1-0', 'malformed_request'],
    ['budgets?format=csv', 'malformed_request'],
    ['bounties/7', 'not_found'],
  ])('%s is refused: %s', async (topic, code) => {
    expect(await refusal(topic)).toMatchObject({ type: 'error', topic, code })
  })

  test('without its scope is refused with the scope', async () => {
    expect(await refusal('budgets', viewer('user:ada', 'chat:read'))).toMatchObject({
      code: 'scope_missing',
      topic: 'budgets',
      scope: 'treasury:read',
    })
  })

  test('may name a thing, in the form of an address', async () => {
    const scene = liveScene()
    const socket = scene.connect()
    scene.model.value = null
    await socket.subscribe({ topics: ['treasury/accounts/agent%3Ascout'] })
    await settled()
    expect(socket.frames).toEqual([
      expect.objectContaining({ code: 'not_found', topic: 'treasury/accounts/agent%3Ascout' }),
    ])
    scene.append('AccountOpened', 1)
    await settled()
    expect(socket.frames.at(-1)).toEqual(change('treasury/accounts/agent%3Ascout', 1))
  })

  test('is too large over 4 MiB, until it is smaller', async () => {
    const scene = liveScene()
    const socket = scene.connect()
    scene.model.value = { text: 'x'.repeat(5_000_000) }
    await socket.subscribe({ topics: ['budgets'] })
    await settled()
    scene.append('BudgetDebited', 1)
    await settled()
    expect(socket.frames).toEqual([
      { type: 'error', topic: 'budgets', code: 'topic_too_large', message: 'the value is over 4 MiB' },
      change('budgets', 1),
    ])
  })
})

describe('the number of topics', () => {
  test('has a limit for each socket', async () => {
    const socket = liveScene().connect()
    await socket.subscribe({ topics: Array.from({ length: 65 }, (_, n) => `budgets?limit=${n + 1}`) })
    expect(socket.frames.filter(({ type }) => type === 'error')).toEqual([
      expect.objectContaining({ topic: 'budgets?limit=65', code: 'too_many_topics' }),
    ])
  })

  test('has a limit for each subject, which ended subscriptions free', async () => {
    const scene = liveScene()
    const topics = Array.from({ length: 200 }, (_, n) => `budgets?limit=${n + 1}`)
    const sockets = [0, 1, 2, 3].map(() => scene.connect())
    for (const [index, socket] of sockets.entries())
      await socket.subscribe({ topics: topics.slice(50 * index, 50 * (index + 1)) })
    const next = scene.connect()
    await next.subscribe({ topics: ['mode'] })
    expect(next.frames).toEqual([expect.objectContaining({ topic: 'mode', code: 'too_many_topics' })])
    await next.subscribe({ topics: ['budgets?limit=1'] })
    await scene.connect(viewer('user:ada', 'chat:read')).subscribe({ topics: ['mode'] })
    sockets[3]?.end()
    await next.subscribe({ topics: ['members'] })
    expect(next.frames.filter(({ type }) => type === 'error')).toHaveLength(1)
  })
})
