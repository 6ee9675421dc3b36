import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tokensKey } from '../../src/agents/tokens/token-stream.ts'
import type { ServerFrame } from '../../src/api/chat/frames.ts'
import { Principal, Uuid7, uuid7TimeMs } from '../../src/events/identifiers.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectPostgres, type Postgres } from '../../src/platform/postgres/postgres.ts'
import { firstPositionOf } from '../../src/projections/chats.ts'
import { readModelReader } from '../../src/projections/engine/read-model-reader.ts'
import type { ChatClient } from '../support/chat-client.ts'
import { newId } from '../support/council.ts'
import { serveForTests } from '../support/test-scene.ts'
import { rejection, type AnswerScript } from '../support/vllm-stand-in/script.ts'

const scene = serveForTests()
let database: Postgres<unknown>
beforeAll(() => {
  database = connectPostgres({ url: scene.settings.DATABASE_URL, maxConnections: 1, logger: silentLogger })
})
afterAll(() => database.close())

/** Polls the read model until it shows the prompt. */
const readModelHas = async (id: Uuid7): Promise<void> => {
  for (;;) {
    const answer = await firstPositionOf(readModelReader(database), Principal.parse('admin'), id)
    if (answer.outcome === 'read' && answer.result !== null) return
  }
}

/** Sends a prompt on a new connection; the model answers it as scripted. */
async function asked(script: AnswerScript) {
  const answer = scene.model.nextAnswer(script)
  const client = await scene.connect()
  return { answer, client, requestId: client.ask() }
}

/** Resumes a prompt on a new connection. */
async function resumed(requestId: Uuid7, lastEventId?: string): Promise<ChatClient> {
  const client = await scene.connect()
  client.send({ type: 'resume', requestId, lastEventId })
  return client
}

const chatEvent = /^(Prompt|Attempt|Request|ModelCall|Cancellation|Answer)/
const types = async (id: Uuid7) => (await scene.eventsOf(id, chatEvent)).map(({ type }) => type)
const frameTypes = (frames: readonly ServerFrame[]) => frames.map(({ type }) => type)

describe('a prompt', () => {
  test('is answered token by token, while the model still generates', async () => {
    const { answer, client } = await asked({ gated: true })
    await answer.received
    await answer.emit('The capital')
    expect((await client.frame('token')).text).toBe('The capital')
    await answer.emit(' is Paris.')
    await client.frame('token', 2)
    await answer.finish()
    const completed = await client.frame('completed')
    expect(frameTypes(client.frames)).toEqual(['accepted', 'routed', 'phase', 'token', 'token', 'phase', 'completed'])
    expect(client.text()).toBe('The capital is Paris.')
    expect(completed).toMatchObject({ text: 'The capital is Paris.', finishReason: 'stop', degraded: false })
  })

  test('costs the same in the chat, in the log and per token at the configured price', async () => {
    const { client, requestId } = await asked({ tokens: ['It', ' is', ' Paris', '.'] })
    const { costMicros, usage } = await client.frame('completed')
    const debits = await scene.eventsOf(requestId, /BudgetDebited/)
    expect(debits).toHaveLength(1)
    expect(debits[0]?.data).toMatchObject({
      actualMicros: costMicros,
      usage: 'reported',
      ...usage,
      priceRef: 'smollm2@150/600',
    })
    expect(costMicros).toBe(Math.ceil((usage.promptTokens * 150 + usage.completionTokens * 600) / 1000))
  })

  test('is recorded in full, with its request id on every event, on the model call and in the server log', async () => {
    const { answer, client, requestId } = await asked({ tokens: ['Paris.'] })
    await client.frame('completed')
    expect(await types(requestId)).toEqual([
      'PromptSubmitted',
      'AttemptStarted',
      'RequestRouted',
      'ModelCallStarted',
      'ModelCallEnded',
      'AnswerCompleted',
    ])
    const events = await scene.eventsOf(requestId)
    const money = events
      .map(({ type }) => type)
      .filter((type) => /^(Budget|Account)/.test(type) && !/Opened$/.test(type))
    expect(money.toSorted()).toEqual(['AccountCredited', 'AccountDebited', 'BudgetDebited', 'BudgetReserved'])
    const { headers } = await answer.received
    expect(headers['x-request-id']).toBe(requestId)
    expect(events.every(({ metadata }) => metadata.traceparent === headers['traceparent'])).toBe(true)
    expect(scene.council.lines().filter((line) => line.includes(requestId)).length).toBeGreaterThanOrEqual(2)
  })

  test('gets a request id from the server if the client sends none', async () => {
    scene.model.nextAnswer({ tokens: ['Paris.'] })
    const client = await scene.connect()
    client.send({ type: 'prompt', text: 'Where is Paris?' })
    expect(Uuid7.safeParse((await client.frame('completed')).requestId).success).toBe(true)
  })

  test('that is sent twice is answered once', async () => {
    const { client, requestId } = await asked({ tokens: ['Paris.'] })
    await client.frame('completed')
    client.ask({ requestId })
    expect((await client.frame('completed', 2)).text).toBe('Paris.')
    expect(await scene.eventsOf(requestId, /PromptSubmitted/)).toHaveLength(1)
  })

  test('fails with a code when the model rejects it, and costs nothing', async () => {
    const { client, requestId } = await asked({ trap: rejection })
    expect(await client.frame('failed')).toMatchObject({ code: 'model_rejected', costMicros: 0 })
    expect(await scene.eventsOf(requestId, /BudgetReleased/)).toHaveLength(1)
  })

  test('whose model stream breaks continues after its last word', async () => {
    const { client } = await asked({ tokens: ['The', ' capital'], trap: { kind: 'cut-socket', afterTokens: 2 } })
    const rest = scene.model.nextAnswer({ tokens: [' is', ' Paris.'] })
    const { text } = await client.frame('completed')
    expect(text).toBe('The capital is Paris.')
    expect(client.text()).toBe(text)
    expect((await rest.received).chat.messages.at(-1)).toEqual({ role: 'assistant', content: 'The capital' })
  })
})

describe('cancelling', () => {
  test('closes the socket to the model, and is confirmed once it is in the log', async () => {
    const { answer, client, requestId } = await asked({ gated: true })
    await answer.emit('The')
    await client.frame('token')
    client.send({ type: 'cancel', requestId })
    await answer.disconnected
    expect((await client.frame('cancelled')).costMicros).toBeGreaterThan(0)
    expect((await types(requestId)).slice(-3)).toEqual(['CancellationRequested', 'ModelCallEnded', 'AnswerCancelled'])
  })

  test('a finished prompt is refused', async () => {
    const { client, requestId } = await asked({ tokens: ['Paris.'] })
    await client.frame('completed')
    client.send({ type: 'cancel', requestId })
    expect(await client.frame('error')).toMatchObject({ code: 'prompt_finished', requestId })
  })
})

describe('resuming', () => {
  test('from any frame sends every later frame once', async () => {
    const tokens = Array.from({ length: 30 }, (_, i) => ` word${i}`)
    const { client, requestId } = await asked({ tokens, tokensPerSecond: 100 })
    const { text } = await client.frame('completed')
    const seen = client.frames.filter((frame) => 'id' in frame)
    for (const [index, frame] of seen.slice(0, -1).entries()) {
      const again = await resumed(requestId, frame.id)
      await again.frame('completed')
      const before = seen.slice(0, index + 1).map((earlier) => (earlier.type === 'token' ? earlier.text : ''))
      expect(before.join('') + again.text()).toBe(text)
      const withoutText = (frames: readonly ServerFrame[]) => frameTypes(frames).filter((type) => type !== 'token')
      expect(withoutText(again.frames)).toEqual(withoutText(seen.slice(index + 1)))
      again.close()
    }
  })

  test('works during the answer after a dropped connection, which does not cancel the prompt', async () => {
    const { answer, client, requestId } = await asked({ gated: true })
    await answer.emit('The capital')
    const { id } = await client.frame('token')
    client.close()
    await client.closed
    await answer.emit(' is')
    const again = await resumed(requestId, id)
    await again.frame('token')
    await answer.emit(' Paris.')
    await answer.finish()
    await again.frame('completed')
    expect(again.text()).toBe(' is Paris.')
  })

  test('works after the command id and the token stream have expired: the rest comes as one token', async () => {
    const { client, requestId } = await asked({ tokens: ['The', ' capital', ' is', ' Paris.'], tokensPerSecond: 20 })
    const { id, text: firstWord } = await client.frame('token')
    const { text } = await client.frame('completed')
    await readModelHas(requestId)
    const { redis, keys, councilId } = scene.log
    await redis.hdel(keys.commands(uuid7TimeMs(requestId)), `admin ${requestId}`)
    await redis.del(tokensKey(councilId, requestId))
    const again = await resumed(requestId, id)
    await again.frame('completed')
    expect(again.frames.filter(({ type }) => type === 'token')).toMatchObject([{ text: text.slice(firstWord.length) }])
  })

  test('refuses an unknown prompt and a malformed resume point', async () => {
    const requestId = newId()
    const client = await resumed(requestId)
    expect(await client.frame('error')).toMatchObject({ code: 'prompt_unknown' })
    client.send({ type: 'resume', requestId, lastEventId: 'yesterday' })
    expect(await client.frame('error', 2)).toMatchObject({ code: 'bad_resume_point' })
  })

  test('on the connection that already streams the answer replaces its feed: each later frame comes once', async () => {
    const { answer, client, requestId } = await asked({ gated: true })
    await answer.emit('The')
    const { id } = await client.frame('token')
    await answer.emit(' capital')
    await client.frame('token', 2)
    client.send({ type: 'resume', requestId, lastEventId: id })
    expect(await client.frame('resumed')).toMatchObject({ requestId })
    await client.frame('token', 3)
    await answer.emit(' is Paris.')
    await answer.finish()
    await client.frame('completed')
    const after = client.frames.slice(client.frames.findIndex(({ type }) => type === 'resumed') + 1)
    expect(after.map((frame) => (frame.type === 'token' ? frame.text : '')).join('')).toBe(' capital is Paris.')
    client.send({ type: 'ping' })
    await client.frame('pong')
    expect(client.frames.filter(({ type }) => type === 'completed')).toHaveLength(1)
  })

  test('is not needed on the connection of the prompt: a repeated prompt is refused and the first continues', async () => {
    const { answer, client, requestId } = await asked({ gated: true })
    await client.frame('accepted')
    client.ask({ requestId })
    expect(await client.frame('error')).toMatchObject({ code: 'already_streaming', requestId })
    await answer.emit('Paris.')
    await answer.finish()
    await client.frame('completed')
    expect(client.frames.filter(({ type }) => type === 'accepted')).toHaveLength(1)
  })

  test.each([
    ['a position that the log has not reached', () => '999999999999999-0~0'],
    ['a position before the answer', () => '1-0~0'],
    ['more text than the answer has', (id: string) => `${id.split('~')[0]}~999999`],
    ['another answer', (_: string, ofAnother: string) => ofAnother],
  ])('from %s is refused, and without a point every frame comes', async (_, point) => {
    const { client } = await asked({ tokens: ['Rome.'] })
    const ofAnother = (await client.frame('completed')).id
    const answer = scene.model.nextAnswer({ gated: true })
    const requestId = client.ask()
    await answer.emit('Paris')
    const { id } = await client.frame('token', 2)
    const second = await scene.connect()
    const refused = async (count: number) => {
      second.send({ type: 'resume', requestId, lastEventId: point(id, ofAnother) })
      expect(await second.frame('error', count)).toMatchObject({ code: 'bad_resume_point', requestId })
    }
    await refused(1)
    await answer.finish()
    await client.frame('completed', 2)
    await refused(2)
    second.send({ type: 'resume', requestId })
    expect((await second.frame('completed')).requestId).toBe(requestId)
  })
})
