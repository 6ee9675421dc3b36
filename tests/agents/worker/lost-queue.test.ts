import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { chatStream } from '../../../src/events/chat.ts'
import { workersGroup } from '../../../src/events/log/keys.ts'
import type { Uuid7 } from '../../../src/events/identifiers.ts'
import { connectChat, type ChatClient } from '../../support/chat-client.ts'
import { newId } from '../../support/council.ts'
import { suiteCouncil } from '../../support/lifetimes.ts'
import { serveCouncil, type ServedCouncil } from '../../support/served-council.ts'
import { councilSettings } from '../../support/shared-servers.ts'
import { startVllmStandIn, type Answer } from '../../support/vllm-stand-in/server.ts'

const model = await startVllmStandIn()
afterAll(model.close)
const log = await suiteCouncil()
const settings = await councilSettings({ COUNCIL_ID: log.councilId, VLLM_URL: model.url })
let api: ServedCouncil
let client: ChatClient
let requestId: Uuid7
beforeAll(async () => {
  api = await serveCouncil(settings, 'api')
})
afterAll(() => api.stop())
beforeEach(async () => {
  requestId = newId()
  client = await connectChat(api.url)
})

const startWorker = async (): Promise<ServedCouncil> => {
  const worker = await serveCouncil(settings, 'worker')
  onTestFinished(worker.kill)
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
    const entry = (await entries())[0]?.[0] ?? ''
    const pending = (await log.redis.xpending(log.keys.work, workersGroup, '-', '+', 10).catch(() => [])) as [
      id: string,
      consumer: string,
    ][]
    const lease = pending.find(([id, consumer]) => id === entry && consumer !== 'unheld')
    if (lease) return lease[1]
  }
}

/** The answer in the log: its attempts, its terminal events and its debits. */
async function ending() {
  const events = await log.events()
  const own = events.filter(({ stream }) => stream === chatStream(requestId))
  const debits = events.filter((event) => event.type === 'BudgetDebited' && event.data.requestId === requestId)
  return {
    attempts: own.filter(({ type }) => type === 'AttemptStarted').length,
    ends: own.filter(({ type }) => /^Answer/.test(type)).map(({ type }) => type),
    debits: debits.length,
  }
}

const entries = () => log.redis.xrange(log.keys.work, '-', '+')
const destroyGroup = () => log.redis.xgroup('DESTROY', log.keys.work, workersGroup)
const damages: Record<string, () => Promise<unknown>> = {
  'the group is destroyed': destroyGroup,
  async 'the group is destroyed three times'() {
    for (let times = 0; times < 3; times++) {
      await destroyGroup()
      await holder()
    }
  },
  'its consumer is deleted': async () => log.redis.xgroup('DELCONSUMER', log.keys.work, workersGroup, await holder()),
  'the work stream is deleted': () => log.redis.del(log.keys.work),
  'its entry on the work stream is deleted': async () => log.redis.xdel(log.keys.work, (await entries())[0]?.[0] ?? ''),
}

describe('a running answer', () => {
  test.each([
    ...Object.keys(damages).map((damage) => [damage, 'its worker alone'] as const),
    ['the group is destroyed', 'another worker waiting'] as const,
    ['the work stream is deleted', 'another worker waiting'] as const,
  ])('completes when %s, with %s: one attempt, one call, paid once', async (damage, workers) => {
    await startWorker()
    const { answer, callsBefore } = await startAnswer()
    if (workers === 'another worker waiting') await startWorker()
    await damages[damage]?.()
    await holder()
    await answer.emit('.')
    await answer.finish()
    expect((await client.frame('completed')).text).toBe('Paris.')
    expect(client.text()).toBe('Paris.')
    expect(model.received.length - callsBefore).toBe(1)
    expect(await ending()).toEqual({ attempts: 1, ends: ['AnswerCompleted'], debits: 1 })
  })

  test('is taken over after the lease when the group is destroyed and its worker dies', async () => {
    const doomed = await startWorker()
    await startAnswer()
    model.nextAnswer({ tokens: [' it is.'] })
    await startWorker()
    doomed.child.kill('SIGSTOP')
    await destroyGroup()
    await doomed.kill()
    expect((await client.frame('completed')).text).toBe('Paris it is.')
    expect(await ending()).toMatchObject({ attempts: 2, ends: ['AnswerCompleted'] })
  })
})

test('queued prompts are answered once each after the group was destroyed', async () => {
  const callsBefore = model.received.length
  client.send({ type: 'prompt', requestId, text: 'What is the capital of France?' })
  await client.frame('accepted')
  await destroyGroup()
  model.nextAnswer({ tokens: ['Paris.'] })
  await startWorker()
  expect((await client.frame('completed')).text).toBe('Paris.')
  expect(model.received.length - callsBefore).toBe(1)
})
