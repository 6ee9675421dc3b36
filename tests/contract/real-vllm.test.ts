import { describe, expect, onTestFinished, test } from 'vitest'
import { createVllmClient } from '../../src/agents/models/vllm/client.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { begun, call, outcomeOf } from '../support/model-calls.ts'
import { modelClientContract } from './model-client.ts'

/**
 * Runs the contract of all model clients against a real vLLM server, with a configuration of its own: `npm run test:vllm`.
 * VLLM_URL names the server; VLLM_MODEL and VLLM_API_KEY are those of the council's settings.
 */
const url = process.env['VLLM_URL']
const model = process.env['VLLM_MODEL']
const apiKey = process.env['VLLM_API_KEY']
if (url === undefined)
  throw new Error(
    'VLLM_URL is not set. It must be the base URL of a running vLLM server, for example http://127.0.0.1:8000.',
  )

const limits = {
  connectTimeoutMs: 5_000,
  firstByteTimeoutMs: 120_000,
  idleTimeoutMs: 60_000,
  concurrency: 3,
  maxQueued: 2,
  logger: silentLogger,
}
const makeClient = () =>
  createVllmClient({
    urls: [url],
    ...limits,
    ...(model === undefined ? {} : { model }),
    ...(apiKey === undefined ? {} : { apiKey }),
  })

modelClientContract(`a client of the vLLM server at ${url}`, async () => {
  const client = makeClient()
  return { client, concurrency: limits.concurrency, maxQueued: limits.maxQueued, close: () => client.close() }
})

describe('the vLLM server itself', () => {
  const story = { messages: [{ role: 'user' as const, content: 'Tell a long story about a river.' }], maxTokens: 400 }

  /** The requests in the engine's batch, from its metrics, which need no key. */
  async function running(): Promise<number> {
    const metrics = await (await fetch(new URL('/metrics', url))).text()
    return Number(/^vllm:num_requests_running\{.*\} (\S+)$/m.exec(metrics)?.[1])
  }

  test('stops generating when a call is cancelled', async () => {
    const client = makeClient()
    onTestFinished(() => client.close())
    const stop = new AbortController()
    const { rest } = await begun(client, call({ ...story, signal: stop.signal }))
    expect(await running()).toBe(1)
    stop.abort()
    expect((await rest()).end).toMatchObject({ code: 'model_cancelled' })
    await expect.poll(running, { timeout: 10_000 }).toBe(0)
  })

  test('sends tokens as they are generated', async () => {
    const client = makeClient()
    onTestFinished(() => client.close())
    const begunAt = performance.now()
    const times: number[] = []
    const { usage } = await outcomeOf(client.stream(call({ ...story, maxTokens: 60 })), (chunk) => {
      if (chunk.type === 'text') times.push(performance.now() - begunAt)
    })
    const [first = 0, last = 0] = [times[0], times.at(-1)]
    expect(times.length).toBeGreaterThan(20)
    expect(last - first).toBeGreaterThan(first / 10)
    const made = usage === 'unknown' ? 0 : (usage.completionTokens ?? 0)
    process.stdout.write(
      `first token after ${Math.round(first)} ms, then ${(((made - 1) / (last - first)) * 1000).toFixed(1)} tokens/s\n`,
    )
  })
})
