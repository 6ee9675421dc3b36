import { Writable } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import { budgetStream } from '../../../src/events/budget.ts'
import { missingModel } from '../../../src/agents/models/missing.ts'
import { ModelError, type ModelClient } from '../../../src/agents/models/model.ts'
import { maxTokenCount } from '../../../src/events/amounts.ts'
import { maxAnswerCharacters, chatStream } from '../../../src/events/chat.ts'
import { DebitBudget } from '../../../src/commands/budget/debit-budget.ts'
import { ReserveBudget } from '../../../src/commands/budget/reserve-budget.ts'
import { StartAttempt } from '../../../src/commands/chat/start-attempt.ts'
import { CancelPrompt } from '../../../src/commands/chat/cancel-prompt.ts'
import { tokenWriter } from '../../../src/agents/tokens/token-stream.ts'
import { SubmitPrompt } from '../../../src/commands/chat/submit-prompt.ts'
import { beginning, type Uuid7 } from '../../../src/events/identifiers.ts'
import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { workersGroup } from '../../../src/events/log/keys.ts'
import { startTail } from '../../../src/events/log/read/tail.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { reservationFor, today } from '../../support/budget-calls.ts'
import { newId } from '../../support/council.ts'
import { suiteCouncil } from '../../support/lifetimes.ts'
import { runWorker, type WorkerOptions } from '../../support/running-worker.ts'
import { vllmClient } from '../../support/vllm-client.ts'
import { startVllmStandIn } from '../../support/vllm-stand-in/server.ts'

const council = await suiteCouncil()
const tail = startTail(council.log, beginning)
afterAll(tail.stop)
const standIn = await startVllmStandIn()
afterAll(standIn.close)

const work = (model: ModelClient, options: Omit<WorkerOptions, 'model'> = {}): Promise<void> =>
  runWorker(council, tail, { model, ...options })

/** The event that ends a prompt. */
function endOf(requestId: Uuid7): Promise<AnyRecordedEvent> {
  return new Promise((resolve) => {
    const stop = tail.listen(chatStream(requestId), (event) => {
      if (!/^Answer/.test(event.type)) return
      stop()
      resolve(event)
    })
  })
}

/** Submits a prompt; resolves with the event that ends it. */
async function ask(): Promise<AnyRecordedEvent> {
  const requestId = newId()
  const ended = endOf(requestId)
  await council.execute(SubmitPrompt, { requestId, text: 'What is the capital of France?' }, requestId)
  return ended
}

/** Reserves 5 micro-dollars for the nth call of a prompt. */
const reserveCall = (requestId: Uuid7, attempt: number, n: number) =>
  council.execute(ReserveBudget, reservationFor(requestId, { callId: `${requestId}.${n}`, attempt, amountMicros: 5 }))

/** A prompt whose workers died in every attempt. The last one left a call open and this text in the token stream. */
async function left({ attempts = 3, text = '' }): Promise<{ requestId: Uuid7; ended: Promise<AnyRecordedEvent> }> {
  const requestId = newId()
  const ended = endOf(requestId)
  await council.execute(SubmitPrompt, { requestId, text: 'What is the capital of France?' }, requestId)
  for (let attempt = 1; attempt <= attempts; attempt++)
    await council.execute(StartAttempt, { requestId, attempt, worker: 'dead' })
  await reserveCall(requestId, attempts, 1)
  const write = tokenWriter(council.redis, council.councilId)
  await write(requestId, attempts, 0, '')
  if (text !== '') await write(requestId, attempts, 0, text)
  return { requestId, ended }
}

describe('a prompt', () => {
  test('without a model ends as failed with advice, and never with a made-up answer', async () => {
    await work(missingModel('set MODEL_PATH to a GGUF file'))
    const { type, data } = await ask()
    expect({ type, data }).toMatchObject({
      type: 'AnswerFailed',
      data: { code: 'model_unavailable', message: 'set MODEL_PATH to a GGUF file', text: '', costMicros: 0 },
    })
  })

  test('that the budget of the day cannot cover fails, and calls no model', async () => {
    const before = standIn.received.length
    await work(vllmClient([standIn.url]), { microsPer1000: 1_000_000_000 })
    expect((await ask()).data).toMatchObject({ code: 'budget_exceeded', costMicros: 0 })
    expect(standIn.received).toHaveLength(before)
  })

  test('is answered, and its ending removes its job', async () => {
    standIn.nextAnswer({ tokens: ['Paris', '.'] })
    await work(vllmClient([standIn.url]))
    expect(await ask()).toMatchObject({ type: 'AnswerCompleted', data: { text: 'Paris.' } })
    expect(await council.redis.xlen(council.keys.work)).toBe(0)
  })
})

describe('a prompt that workers left open', () => {
  test.each([
    ['characters', 'x'.repeat(3_000_000), maxAnswerCharacters],
    ['control characters', '\u0001'.repeat(900_000), Math.floor(maxAnswerCharacters / 6)],
  ])(
    'with more %s than the log accepts ends as crashed, keeps as many as fit, and leaves the queue',
    async (_, text, characters) => {
      const { ended } = await left({ text })
      await work(missingModel('there is none'))
      expect(await ended).toMatchObject({ type: 'AnswerFailed', data: { code: 'crashed', costMicros: 5 } })
      expect(((await ended).data as { text: string }).text).toHaveLength(characters)
      expect(await council.redis.xlen(council.keys.work)).toBe(0)
    },
  )

  test('and that was cancelled ends as cancelled, even with an oversized text', async () => {
    const { requestId, ended } = await left({ text: 'x'.repeat(3_000_000) })
    await council.execute(CancelPrompt, { requestId })
    await work(missingModel('there is none'))
    expect(await ended).toMatchObject({ type: 'AnswerCancelled', data: { costMicros: 5 } })
    expect(await council.redis.xlen(council.keys.work)).toBe(0)
  })

  test('with a full answer is completed with the finish reason length, and calls no model', async () => {
    const before = standIn.received.length
    const { ended } = await left({ attempts: 1, text: 'x'.repeat(maxAnswerCharacters) })
    await work(vllmClient([standIn.url]))
    expect(await ended).toMatchObject({ type: 'AnswerCompleted', data: { finishReason: 'length' } })
    expect(standIn.received).toHaveLength(before)
  })

  test('after calls with more tokens than a bill can count ends with the greatest count', async () => {
    const { requestId, ended } = await left({ attempts: 3 })
    const counts = { promptTokens: maxTokenCount, completionTokens: maxTokenCount }
    const settle = (n: number) => {
      const end = { outcome: 'lost', usage: 'reported', ...counts, priceRef: 'test@1/1', costMicros: 5 } as const
      const settlement = { callId: `${requestId}.${n}`, budgets: [budgetStream('council', today())], ...end }
      return council.execute(DebitBudget, { work: chatStream(requestId), attempt: 3, settlement })
    }
    await settle(1)
    await reserveCall(requestId, 3, 2)
    await settle(2)
    await work(missingModel('there is none'))
    expect(await ended).toMatchObject({
      type: 'AnswerFailed',
      data: { code: 'crashed', tokens: counts, costMicros: 10 },
    })
  })
})

test('a model client that violates its contract costs one call, and the answer fails as internal', async () => {
  const calls: string[] = []
  const model: ModelClient = {
    ...missingModel('unused'),
    async *stream({ requestId }) {
      calls.push(requestId)
      yield { type: 'text', text: 'Par' }
      throw new RangeError('not a number of tokens')
    },
    info: () => Promise.resolve({ model: 'odd', kind: 'embedded', contextTokens: 1000 }),
  }
  await work(model)
  expect(await ask()).toMatchObject({ type: 'AnswerFailed', data: { code: 'internal', text: 'Par' } })
  expect(calls).toHaveLength(1)
})

test('a silent model is cut at the deadline of the answer', async () => {
  const model: ModelClient = {
    ...missingModel('unused'),
    async *stream({ signal }) {
      yield { type: 'text', text: 'Par' }
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      throw new ModelError('model_cancelled', 'cut')
    },
    info: () => Promise.resolve({ model: 'silent', kind: 'embedded', contextTokens: 1000 }),
  }
  await work(model, { answerTimeoutMs: 300 })
  expect(await ask()).toMatchObject({
    type: 'AnswerFailed',
    data: { code: 'model_timeout', text: 'Par', message: expect.stringContaining('ANSWER_TIMEOUT_MS') as unknown },
  })
})

test('a job of an unknown kind stays in the queue with one log line, and other jobs are run', async () => {
  const stream = chatStream(newId())
  const entry = await council.redis.xadd(council.keys.work, '*', 'kind', 'other', 'stream', stream, 'position', '1-0')
  let lines = ''
  const logged = new Writable({ write: (chunk, _, done) => ((lines += String(chunk)), done()) })
  await work(missingModel('there is none'), { logger: createLogger('error', { stream: logged }) })
  expect(await ask()).toMatchObject({ data: { code: 'model_unavailable' } })
  const deliveries = async () =>
    ((await council.redis.xpending(council.keys.work, workersGroup, '-', '+', 1)) as unknown[][])[0]?.[3] ?? 0
  await expect.poll(deliveries, { timeout: 10_000 }).toBeGreaterThan(Number(await deliveries()))
  expect(lines.trim().split('\n')).toEqual([expect.stringContaining(String(entry))])
  expect((await council.redis.xrange(council.keys.work, '-', '+')).map(([id]) => id)).toEqual([entry])
  await council.redis.xdel(council.keys.work, String(entry))
})
