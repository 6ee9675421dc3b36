import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { chatStream } from '../../src/events/chat.ts'
import { tokensKey } from '../../src/agents/tokens/token-stream.ts'
import { Uuid7, uuid7TimeMs } from '../../src/events/identifiers.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectPostgres, type Postgres } from '../../src/platform/postgres/postgres.ts'
import { firstPositionOf } from '../../src/projections/chats.ts'
import { readModelReader } from '../../src/projections/engine/read-model-reader.ts'
import { connectChat } from '../support/chat-client.ts'
import { newId, openTestCouncil, type TestCouncil } from '../support/council.ts'
import { serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { createDatabase, freshCouncilId, redisUrl } from '../support/shared-servers.ts'
import { startVllmStandIn, type StandIn } from '../support/vllm-stand-in/server.ts'

let model: StandIn
let council: ServedCouncil
let database: Postgres<unknown>
/** The log of the same council, looked at from outside. */
let log: TestCouncil
beforeAll(async () => {
  model = await startVllmStandIn()
  const councilId = freshCouncilId()
  const databaseUrl = await createDatabase()
  const settings = {
    COUNCIL_ID: councilId,
    REDIS_URL: redisUrl,
    REDIS_EPHEMERAL_URL: redisUrl,
    DATABASE_URL: databaseUrl,
    VLLM_URL: model.url,
  }
  database = connectPostgres({ url: databaseUrl, maxConnections: 1, logger: silentLogger })
  council = await serveCouncil(settings)
  log = await openTestCouncil(redisUrl, councilId)
})
afterAll(async () => {
  log.close()
  await database.close()
  await council.stop()
  await model.close()
})

let requestId: Uuid7
/** The last id of another answer. */
let foreign: string
beforeEach(() => {
  requestId = newId()
})
const prompt = () => ({ type: 'prompt', requestId, text: 'What is the capital of France?' })
const eventsOf = async (id: Uuid7) => (await log.events()).filter((event) => event.stream === chatStream(id))
/** Asks the read model until it shows the prompt. */
const readModelHas = async (id: Uuid7): Promise<void> => {
  for (;;) {
    const answer = await firstPositionOf(readModelReader(database), 'admin', id)
    if (answer.outcome === 'read' && answer.result !== null) return
  }
}
const types = async (id: Uuid7) => (await eventsOf(id)).map(({ type }) => type)

describe('a prompt', () => {
  test('is answered token by token, while the model still generates', async () => {
    const answer = model.nextAnswer({ gated: true })
    const client = await connectChat(council.url)
    client.send(prompt())
    await answer.received
    await answer.emit('The capital')
    expect((await client.frame('token')).text).toBe('The capital')
    await answer.emit(' is Paris.')
    await client.frame('token', 2)
    await answer.finish()
    const completed = await client.frame('completed')
    expect(client.frames.map(({ type }) => type)).toEqual([
      'accepted',
      'routed',
      'phase',
      'token',
      'token',
      'completed',
    ])
    expect(client.text()).toBe('The capital is Paris.')
    expect(completed).toMatchObject({ text: 'The capital is Paris.', finishReason: 'stop', degraded: false })
    client.close()
  })

  test('costs the same in the chat, in the log and per token at the configured price', async () => {
    model.nextAnswer({ tokens: ['It', ' is', ' Paris', '.'] })
    const client = await connectChat(council.url)
    client.send(prompt())
    const { costMicros, usage } = await client.frame('completed')
    const debits = (await log.events()).filter(
      ({ type, data }) => type === 'BudgetDebited' && (data as { requestId: string }).requestId === requestId,
    )
    expect(debits).toHaveLength(1)
    expect(debits[0]?.data).toMatchObject({
      actualMicros: costMicros,
      usage: 'reported',
      ...usage,
      priceRef: 'smollm2@150/600',
    })
    expect(costMicros).toBe(Math.ceil((usage.promptTokens * 150 + usage.completionTokens * 600) / 1000))
    client.close()
  })

  test('leaves its whole story in the log, with the request id on every event and on the call to the model', async () => {
    const answer = model.nextAnswer({ tokens: ['Paris.'] })
    const client = await connectChat(council.url)
    client.send(prompt())
    await client.frame('completed')
    expect(await types(requestId)).toEqual([
      'PromptSubmitted',
      'AttemptStarted',
      'RequestRouted',
      'ModelCallStarted',
      'ModelCallEnded',
      'AnswerCompleted',
    ])
    const events = (await log.events()).filter(({ metadata }) => metadata.requestId === requestId)
    expect(events).toHaveLength(8)
    const { headers } = await answer.received
    expect(headers['x-request-id']).toBe(requestId)
    expect(events.every(({ metadata }) => metadata.traceparent === headers['traceparent'])).toBe(true)
    expect(council.lines().filter((line) => line.includes(requestId)).length).toBeGreaterThanOrEqual(2)
    client.close()
  })

  test('gets a request id where the client gives none', async () => {
    model.nextAnswer({ tokens: ['Paris.'] })
    const client = await connectChat(council.url)
    client.send({ type: 'prompt', text: 'Where is Paris?' })
    const completed = await client.frame('completed')
    expect(Uuid7.safeParse(completed.requestId).success).toBe(true)
    client.close()
  })

  test('that is sent twice is answered once', async () => {
    model.nextAnswer({ tokens: ['Paris.'] })
    const client = await connectChat(council.url)
    client.send(prompt())
    await client.frame('completed')
    client.send(prompt())
    const again = await client.frame('completed', 2)
    expect(again.text).toBe('Paris.')
    expect((await types(requestId)).filter((type) => type === 'PromptSubmitted')).toHaveLength(1)
    client.close()
  })

  test('on a path that does not exist yet is refused with a code', async () => {
    const client = await connectChat(council.url)
    client.send({ ...prompt(), path: 'full' })
    expect(await client.frame('error')).toMatchObject({ code: 'path_unavailable', requestId })
    client.close()
  })

  test('ends as failed with a code when the model refuses it, and costs nothing', async () => {
    model.nextAnswer({
      trap: {
        kind: 'status',
        status: 400,
        body: '{"error":{"message":"no","type":"BadRequestError","param":null,"code":400}}',
      },
    })
    const client = await connectChat(council.url)
    client.send(prompt())
    expect(await client.frame('failed')).toMatchObject({ code: 'model_rejected', costMicros: 0 })
    expect(
      (await log.events()).find(
        ({ type, data }) => type === 'BudgetReleased' && (data as { requestId: string }).requestId === requestId,
      ),
    ).toBeDefined()
    client.close()
  })

  test('whose stream breaks is continued behind its last word', async () => {
    model.nextAnswer({ tokens: ['The', ' capital'], trap: { kind: 'cut-socket', afterTokens: 2 } })
    const rest = model.nextAnswer({ tokens: [' is', ' Paris.'] })
    const client = await connectChat(council.url)
    client.send(prompt())
    const { text } = await client.frame('completed')
    expect(text).toBe('The capital is Paris.')
    expect(client.text()).toBe(text)
    const { chat } = await rest.received
    expect(chat.messages.at(-1)).toEqual({ role: 'assistant', content: 'The capital' })
    client.close()
  })
})

describe('cancelling', () => {
  test('closes the socket to the model, and is confirmed once it is in the log', async () => {
    const answer = model.nextAnswer({ gated: true })
    const client = await connectChat(council.url)
    client.send(prompt())
    await answer.emit('The')
    await client.frame('token')
    client.send({ type: 'cancel', requestId })
    await answer.disconnected
    const { costMicros } = await client.frame('cancelled')
    expect(costMicros).toBeGreaterThan(0)
    expect((await types(requestId)).slice(-3)).toEqual(['CancellationRequested', 'ModelCallEnded', 'AnswerCancelled'])
    client.close()
  })

  test('what has ended is refused', async () => {
    model.nextAnswer({ tokens: ['Paris.'] })
    const client = await connectChat(council.url)
    client.send(prompt())
    await client.frame('completed')
    client.send({ type: 'cancel', requestId })
    expect(await client.frame('error')).toMatchObject({ code: 'prompt_finished', requestId })
    client.close()
  })
})

describe('resuming', () => {
  test('from any frame gives every later frame once', async () => {
    model.nextAnswer({ tokens: Array.from({ length: 30 }, (_, i) => ` word${i}`), tokensPerSecond: 100 })
    const client = await connectChat(council.url)
    client.send(prompt())
    const { text } = await client.frame('completed')
    const seen = client.frames.filter((frame) => 'id' in frame)
    for (const [index, frame] of seen.slice(0, -1).entries()) {
      const resumed = await connectChat(council.url)
      resumed.send({ type: 'resume', requestId, lastEventId: frame.id })
      await resumed.frame('completed')
      const before = seen.slice(0, index + 1).map((earlier) => (earlier.type === 'token' ? earlier.text : ''))
      expect(before.join('') + resumed.text()).toBe(text)
      const withoutText = (frames: readonly { type: string }[]) =>
        frames.map(({ type }) => type).filter((type) => type !== 'token')
      expect(withoutText(resumed.frames)).toEqual(withoutText(seen.slice(index + 1)))
      resumed.close()
    }
    client.close()
  })

  test('works while the answer is made, after a socket that dropped: which is not a cancel', async () => {
    const answer = model.nextAnswer({ gated: true })
    const client = await connectChat(council.url)
    client.send(prompt())
    await answer.emit('The capital')
    const { id } = await client.frame('token')
    client.close()
    await client.closed
    await answer.emit(' is')
    const resumed = await connectChat(council.url)
    resumed.send({ type: 'resume', requestId, lastEventId: id })
    await resumed.frame('token')
    await answer.emit(' Paris.')
    await answer.finish()
    await resumed.frame('completed')
    expect(resumed.text()).toBe(' is Paris.')
    resumed.close()
  })

  test('works after the log has forgotten the command and the token stream is gone: the rest comes as one token', async () => {
    model.nextAnswer({ tokens: ['The', ' capital', ' is', ' Paris.'], tokensPerSecond: 20 })
    const client = await connectChat(council.url)
    client.send(prompt())
    const { id, text: firstWord } = await client.frame('token')
    const { text } = await client.frame('completed')
    await readModelHas(requestId)
    await log.redis.hdel(log.keys.commands(uuid7TimeMs(requestId)), `admin ${requestId}`)
    await log.redis.del(tokensKey(log.councilId, requestId))
    const resumed = await connectChat(council.url)
    resumed.send({ type: 'resume', requestId, lastEventId: id })
    await resumed.frame('completed')
    expect(resumed.frames.filter(({ type }) => type === 'token')).toMatchObject([
      { text: text.slice(firstWord.length) },
    ])
    for (const open of [client, resumed]) open.close()
  })

  test('a prompt that does not exist, or from a point that never was, is refused', async () => {
    const client = await connectChat(council.url)
    client.send({ type: 'resume', requestId })
    expect(await client.frame('error')).toMatchObject({ code: 'prompt_unknown' })
    client.send({ type: 'resume', requestId, lastEventId: 'yesterday' })
    expect(await client.frame('error', 2)).toMatchObject({ code: 'bad_resume_point' })
    client.close()
  })

  test('on the socket that already streams the answer puts a new feed in the place of the old one: each later frame comes once', async () => {
    const answer = model.nextAnswer({ gated: true })
    const client = await connectChat(council.url)
    client.send(prompt())
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
    client.close()
  })

  test('is not needed for a prompt that the socket streams: sent twice, the second is refused and the first goes on', async () => {
    const answer = model.nextAnswer({ gated: true })
    const client = await connectChat(council.url)
    client.send(prompt())
    await client.frame('accepted')
    client.send(prompt())
    expect(await client.frame('error')).toMatchObject({ code: 'already_streaming', requestId })
    await answer.emit('Paris.')
    await answer.finish()
    await client.frame('completed')
    expect(client.frames.filter(({ type }) => type === 'accepted')).toHaveLength(1)
    client.close()
  })

  test.each([
    ['a position that the log has not reached', () => '999999999999999-0~0'],
    ['a position before the answer', () => '1-0~0'],
    ['more text than the answer has', (id: string) => `${id.split('~')[0]}~999999`],
    ['another answer', () => foreign],
  ])('from %s is refused, and without a point every frame comes', async (_, point) => {
    model.nextAnswer({ tokens: ['Rome.'] })
    const client = await connectChat(council.url)
    const other = newId()
    client.send({ ...prompt(), requestId: other })
    foreign = (await client.frame('completed')).id
    const answer = model.nextAnswer({ gated: true })
    client.send(prompt())
    await answer.emit('Paris')
    const { id } = await client.frame('token', 2)
    const second = await connectChat(council.url)
    const refused = async (count: number) => {
      second.send({ type: 'resume', requestId, lastEventId: point(id) })
      expect(await second.frame('error', count)).toMatchObject({ code: 'bad_resume_point', requestId })
    }
    await refused(1)
    await answer.finish()
    await client.frame('completed', 2)
    await refused(2)
    second.send({ type: 'resume', requestId })
    expect((await second.frame('completed')).requestId).toBe(requestId)
    for (const open of [client, second]) open.close()
  })
})
