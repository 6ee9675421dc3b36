import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { missingModel } from '../../src/agents/models/missing.ts'
import type { ModelClient } from '../../src/agents/models/model.ts'
import { parsePrices } from '../../src/agents/models/prices.ts'
import { createVllmClient } from '../../src/agents/models/vllm.ts'
import { createOrchestrator } from '../../src/agents/orchestrator.ts'
import { readTokens, tokenWriter } from '../../src/agents/tokens/token-stream.ts'
import { startWorker, type Worker } from '../../src/agents/worker.ts'
import { SubmitPrompt } from '../../src/commands/submit-prompt.ts'
import { beginning, chatStream, type Uuid7 } from '../../src/events/identifiers.ts'
import type { RecordedEvent } from '../../src/events/event.ts'
import { startTail, type LogTail } from '../../src/events/log/tail.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectRedis } from '../../src/platform/redis.ts'
import { newId, openTestCouncil, type TestCouncil } from '../support/council.ts'
import { freshCouncilId, redisUrl } from '../support/shared-servers.ts'
import { startVllmStandIn, type StandIn } from '../support/vllm-stand-in/server.ts'

let council: TestCouncil
let tail: LogTail
let standIn: StandIn
const workers: Worker[] = []
beforeAll(async () => {
  council = await openTestCouncil(redisUrl, freshCouncilId())
  tail = startTail(council.log, beginning)
  standIn = await startVllmStandIn()
})
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.stop()
})
afterAll(async () => {
  await tail.stop()
  council.close()
  await standIn.close()
})

const price = (micros: number) => parsePrices({ default: { name: 'test', promptMicrosPer1000: micros, completionMicrosPer1000: micros }, prices: [] })

async function work(model: ModelClient, microsPer1000 = 1000): Promise<void> {
  const agent = {
    gate: council.gate,
    model,
    prices: price(microsPer1000),
    writeTokens: tokenWriter(council.redis, council.councilId),
    clock: systemClock,
    newId,
    pause: () => Promise.resolve(),
    answerMaxTokens: 100,
    earlierTurns: { before: () => Promise.resolve(null), named: () => Promise.resolve(null) },
    answerTimeoutMs: 60_000,
  }
  const blocking = connectRedis({ url: redisUrl, role: 'blocking', name: 'test-jobs', logger: silentLogger })
  const jobs = await council.log.openJobs(blocking, newId(), 1000)
  const readAll = (requestId: Uuid7) => readTokens(council.redis, council.councilId, requestId, '0-0')
  workers.push(
    startWorker({ ...agent, log: council.log, tail, jobs, logger: silentLogger, orchestrate: createOrchestrator(agent), readTokens: readAll }, { name: 'test', concurrency: 2, leaseMs: 1000 }),
  )
}

/** Submits a prompt; resolves with the event that ends it. */
async function ask(): Promise<RecordedEvent> {
  const requestId = newId()
  const ended = new Promise<RecordedEvent>((resolve) => {
    const stop = tail.listen(chatStream(requestId), (event) => {
      if (!/^Answer/.test(event.type)) return
      stop()
      resolve(event)
    })
  })
  await council.execute(SubmitPrompt, { requestId, text: 'What is the capital of France?' }, requestId)
  return ended
}

const vllm = () =>
  createVllmClient({ urls: [standIn.url], connectTimeoutMs: 1000, firstByteTimeoutMs: 5000, idleTimeoutMs: 5000, concurrency: 4, maxQueued: 10, logger: silentLogger })

describe('a prompt', () => {
  test('without any model ends as failed with what to do, and never with a made-up answer', async () => {
    await work(missingModel('set MODEL_PATH to a GGUF file'))
    const { type, data } = await ask()
    expect({ type, data }).toMatchObject({ type: 'AnswerFailed', data: { code: 'model_unavailable', message: 'set MODEL_PATH to a GGUF file', text: '', costMicros: 0 } })
  })

  test('that the budget of the day cannot cover ends as failed and calls no model', async () => {
    const before = standIn.received.length
    const model = vllm()
    await work(model, 1_000_000_000)
    expect((await ask()).data).toMatchObject({ code: 'budget_exceeded', costMicros: 0 })
    expect(standIn.received).toHaveLength(before)
    await model.close()
  })

  test('is answered, and its job is gone with its end', async () => {
    standIn.nextAnswer({ tokens: ['Paris', '.'] })
    const model = vllm()
    await work(model)
    expect(await ask()).toMatchObject({ type: 'AnswerCompleted', data: { text: 'Paris.' } })
    expect(await council.redis.xlen(council.keys.work)).toBe(0)
    await model.close()
  })
})
