import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { chatStream } from '../../../src/events/chat.ts'
import { workersGroup } from '../../../src/events/log/keys.ts'
import type { Uuid7 } from '../../../src/events/identifiers.ts'
import { connectChat, type ChatClient } from '../../support/chat-client.ts'
import { newId, openTestCouncil, type TestCouncil } from '../../support/council.ts'
import { serveCouncil, type ServedCouncil } from '../../support/served-council.ts'
import { createDatabase, freshCouncilId, redisUrl } from '../../support/shared-servers.ts'
import { startVllmStandIn, type Answer, type StandIn } from '../../support/vllm-stand-in/server.ts'

let model: StandIn
let settings: Record<string, string>
let log: TestCouncil
let api: ServedCouncil
let client: ChatClient
let requestId: Uuid7
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
beforeEach(async () => {
  requestId = newId()
  client = await connectChat(api.url)
})
afterEach(async () => {
  client.close()
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

/** Starts a gated answer and emits its first word; the test emits the rest. */
async function startAnswer(): Promise<{ answer: Answer; callsBefore: number }> {
  const callsBefore = model.received.length
  const answer = model.nextAnswer({ gated: true })
  client.send({ type: 'prompt', requestId, text: 'What is the capital of France?' })
  await answer.emit('Paris')
  await client.frame('token')
  return { answer, callsBefore }
}

/** Polls until a worker holds the only job; returns that worker. */
async function holder(): Promise<string> {
  for (;;) {
    const entry = (await log.redis.xrange(log.keys.work, '-', '+'))[0]?.[0] ?? ''
    const claims = (await log.redis.xpending(log.keys.work, workersGroup, '-', '+', 10).catch(() => [])) as [
      id: string,
      consumer: string,
    ][]
    const claim = claims.find(([id, consumer]) => id === entry && consumer !== 'unheld')
    if (claim) return claim[1]
  }
}

/** The answer in the log: its attempts, its terminal events and its debits. */
async function ending() {
  const events = await log.events()
  const own = events.filter(({ stream }) => stream === chatStream(requestId))
  const debits = events.filter(
    ({ type, data }) => type === 'BudgetDebited' && (data as { requestId: string }).requestId === requestId,
  )
  return {
    attempts: own.filter(({ type }) => type === 'AttemptStarted').length,
    ends: own.filter(({ type }) => /^Answer/.test(type)).map(({ type }) => type),
    debits: debits.length,
  }
}

const damages: [string, () => Promise<unknown>][] = [
  ['the group is destroyed', () => log.redis.xgroup('DESTROY', log.keys.work, workersGroup)],
  [
    'the group is destroyed three times',
    async () => {
      for (let times = 0; times < 3; times++) {
        await log.redis.xgroup('DESTROY', log.keys.work, workersGroup)
        await holder()
      }
    },
  ],
  [
    'its consumer is deleted',
    async () => {
      await log.redis.xgroup('DELCONSUMER', log.keys.work, workersGroup, await holder())
    },
  ],
  ['the work stream is deleted', () => log.redis.del(log.keys.work)],
  [
    'its entry on the work stream is deleted',
    async () => {
      const entry = (await log.redis.xrange(log.keys.work, '-', '+'))[0]?.[0] ?? ''
      await log.redis.xdel(log.keys.work, entry)
    },
  ],
]

describe('a running answer', () => {
  test.each(damages)('completes when %s: one attempt, one call, paid once', async (_, damage) => {
    await startWorker()
    const { answer, callsBefore } = await startAnswer()
    await damage()
    await holder()
    await answer.emit('.')
    await answer.finish()
    expect((await client.frame('completed')).text).toBe('Paris.')
    expect(client.text()).toBe('Paris.')
    expect(model.received.length - callsBefore).toBe(1)
    expect(await ending()).toEqual({ attempts: 1, ends: ['AnswerCompleted'], debits: 1 })
  })

  test.each(damages.filter(([what]) => what === 'the group is destroyed' || what === 'the work stream is deleted'))(
    'stays with its worker when %s',
    async (_, damage) => {
      await startWorker()
      const { answer, callsBefore } = await startAnswer()
      await startWorker()
      await damage()
      await holder()
      await answer.emit('.')
      await answer.finish()
      expect((await client.frame('completed')).text).toBe('Paris.')
      expect(model.received.length - callsBefore).toBe(1)
      expect(await ending()).toEqual({ attempts: 1, ends: ['AnswerCompleted'], debits: 1 })
    },
  )

  test('is taken over after the lease when the group is destroyed and its worker dies', async () => {
    const doomed = await startWorker()
    await startAnswer()
    model.nextAnswer({ tokens: [' it is.'] })
    await startWorker()
    doomed.child.kill('SIGSTOP')
    await log.redis.xgroup('DESTROY', log.keys.work, workersGroup)
    await doomed.kill()
    expect((await client.frame('completed')).text).toBe('Paris it is.')
    expect(await ending()).toMatchObject({ attempts: 2, ends: ['AnswerCompleted'] })
  })
})

test('queued prompts are answered once each after the group was destroyed', async () => {
  const callsBefore = model.received.length
  client.send({ type: 'prompt', requestId, text: 'What is the capital of France?' })
  await client.frame('accepted')
  await log.redis.xgroup('DESTROY', log.keys.work, workersGroup)
  model.nextAnswer({ tokens: ['Paris.'] })
  await startWorker()
  expect((await client.frame('completed')).text).toBe('Paris.')
  expect(model.received.length - callsBefore).toBe(1)
})
