import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { chatStream } from '../../src/events/chat.ts'
import type { Uuid7 } from '../../src/events/identifiers.ts'
import { connectChat } from '../support/chat-client.ts'
import { newId, openTestCouncil, type TestCouncil } from '../support/council.ts'
import { serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { createDatabase, freshCouncilId, redisUrl } from '../support/shared-servers.ts'
import { startVllmStandIn, type StandIn } from '../support/vllm-stand-in/server.ts'

let model: StandIn
let settings: Record<string, string>
let log: TestCouncil
let api: ServedCouncil
const workers: ServedCouncil[] = []

beforeAll(async () => {
  model = await startVllmStandIn()
  const councilId = freshCouncilId()
  settings = {
    COUNCIL_ID: councilId,
    REDIS_URL: redisUrl,
    REDIS_EPHEMERAL_URL: redisUrl,
    DATABASE_URL: await createDatabase(),
    VLLM_URL: model.url,
  }
  log = await openTestCouncil(redisUrl, councilId)
  api = await serveCouncil(settings, 'api')
})
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.kill()
})
afterAll(async () => {
  await api.stop()
  log.close()
  await model.close()
})

const startWorker = async (): Promise<ServedCouncil> => {
  const worker = await serveCouncil(settings, 'worker')
  workers.push(worker)
  return worker
}
const eventsOf = async (id: Uuid7) => (await log.events()).filter((event) => event.stream === chatStream(id))
const terminals = ['AnswerCompleted', 'AnswerFailed', 'AnswerCancelled']

let requestId: Uuid7
beforeEach(() => {
  requestId = newId()
})
const prompt = () => ({ type: 'prompt', requestId, text: 'What is the capital of France?' })

describe('a worker that is killed in mid-stream', () => {
  test('is replaced by another live one, which goes on behind the last word; nothing is lost, doubled or paid for twice', async () => {
    const first = model.nextAnswer({ gated: true })
    const second = model.nextAnswer({ tokens: [' is', ' Paris', '.'] })
    const doomed = await startWorker()
    const client = await connectChat(api.url)
    client.send(prompt())
    await first.emit('The')
    await first.emit(' capital')
    await client.frame('token')
    // Both tokens are out before the kill, in one frame or in two.
    while (client.text() !== 'The capital')
      await client.frame('token', client.frames.filter(({ type }) => type === 'token').length + 1)
    await startWorker()
    await doomed.kill()

    const completed = await client.frame('completed')
    expect(completed.text).toBe('The capital is Paris.')
    expect(client.text()).toBe(completed.text)
    expect((await second.received).chat.messages.at(-1)).toEqual({ role: 'assistant', content: 'The capital' })

    const events = await eventsOf(requestId)
    expect(events.filter(({ type }) => type === 'AttemptStarted').map(({ data }) => data)).toEqual([
      expect.objectContaining({ attempt: 1 }),
      expect.objectContaining({ attempt: 2 }),
    ])
    expect(events.filter(({ type }) => terminals.includes(type))).toHaveLength(1)
    const debits = (await log.events()).filter(
      ({ type, data }) => type === 'BudgetDebited' && (data as { requestId: string }).requestId === requestId,
    )
    expect(debits.map(({ data }) => (data as { usage: string }).usage)).toEqual(['unknown', 'reported'])
    expect(completed.costMicros).toBe(
      debits.reduce((sum, { data }) => sum + (data as { actualMicros: number }).actualMicros, 0),
    )
    client.close()
  })

  test('three times leaves a failed answer that says so, and keeps what was streamed', async () => {
    const client = await connectChat(api.url)
    client.send(prompt())
    for (const word of ['One', ' two', ' three']) {
      const answer = model.nextAnswer({ gated: true })
      const worker = await startWorker()
      await answer.emit(word)
      while (!client.text().endsWith(word))
        await client.frame('token', client.frames.filter(({ type }) => type === 'token').length + 1)
      await worker.kill()
    }
    await startWorker()
    expect(await client.frame('failed')).toMatchObject({ code: 'crashed' })
    expect(client.text()).toBe('One two three')
    expect((await eventsOf(requestId)).filter(({ type }) => terminals.includes(type))).toHaveLength(1)
    client.close()
  })

  test('and whose streamed text is gone as well ends in a failed answer: no second text ever contradicts the first', async () => {
    const answer = model.nextAnswer({ gated: true })
    const worker = await startWorker()
    const client = await connectChat(api.url)
    client.send(prompt())
    await answer.emit('The')
    await client.frame('token')
    await worker.kill()
    await log.redis.del(`council:{${log.councilId}}:tokens:${requestId}`)
    await startWorker()
    expect(await client.frame('failed')).toMatchObject({ code: 'interrupted' })
    client.close()
  })
})

describe('a worker that was only asleep', () => {
  test('cannot speak into the answer of the one that took over', async () => {
    const sleepy = model.nextAnswer({ gated: true })
    const first = await startWorker()
    const client = await connectChat(api.url)
    client.send(prompt())
    await sleepy.emit('The')
    await client.frame('token')
    first.child.kill('SIGSTOP')
    // What the model says meanwhile waits in the sleeper's socket.
    await sleepy.emit(' WRONG')

    model.nextAnswer({ tokens: [' right', ' answer'] })
    await startWorker()
    const completed = await client.frame('completed')
    first.child.kill('SIGCONT')
    await first.line(/superseded|another attempt/)
    expect(completed.text).toBe('The right answer')
    expect(client.text()).toBe('The right answer')
    expect((await eventsOf(requestId)).filter(({ type }) => terminals.includes(type))).toHaveLength(1)
    client.close()
  })
})

describe('a worker that is asked to stop', () => {
  test('pays for what it used and hands the answer over at once', async () => {
    const first = model.nextAnswer({ gated: true })
    const leaving = await startWorker()
    const client = await connectChat(api.url)
    client.send(prompt())
    await first.emit('The capital')
    await client.frame('token')
    model.nextAnswer({ tokens: [' is', ' Paris.'] })
    expect(await leaving.stop()).toBe(0)
    await first.disconnected
    await startWorker()
    expect((await client.frame('completed')).text).toBe('The capital is Paris.')
    const ended = (await eventsOf(requestId)).filter(({ type }) => type === 'ModelCallEnded')
    expect(ended.map(({ data }) => (data as { outcome: string }).outcome)).toEqual(['cancelled', 'completed'])
    client.close()
  })
})

describe('a prompt that waits', () => {
  test('is answered once a worker comes', async () => {
    const client = await connectChat(api.url)
    client.send(prompt())
    await client.frame('accepted')
    model.nextAnswer({ tokens: ['Paris.'] })
    await startWorker()
    expect((await client.frame('completed')).text).toBe('Paris.')
    client.close()
  })

  test('and is cancelled is never answered', async () => {
    const client = await connectChat(api.url)
    client.send(prompt())
    await client.frame('accepted')
    client.send({ type: 'cancel', requestId })
    expect((await client.frame('cancelled')).costMicros).toBe(0)
    client.close()
  })
})
