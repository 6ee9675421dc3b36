import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { ballotForm } from '../../../../src/agents/council/ballot.ts'
import { createEmbeddedClient, type EmbeddedClient } from '../../../../src/agents/models/embedded/client.ts'
import { findModelFile } from '../../../../src/agents/models/embedded/model-file.ts'
import { silentLogger } from '../../../../src/platform/logger.ts'
import type { ModelError } from '../../../../src/agents/models/model.ts'
import { modelClientContract } from '../../../contract/model-client.ts'
import { begun, call, outcomeOf } from '../../../support/model-calls.ts'
import { processLine } from '../../../support/process-line.ts'

/** Tests the embedded model itself: SmolLM2 on this machine's CPU, fetched as a council fetches it. */
async function modelPath(): Promise<string> {
  const cacheDir = process.env['MODEL_CACHE']
  const found = await findModelFile(cacheDir === undefined ? {} : { cacheDir })
  if ('missing' in found) throw new Error(`${found.reasons.join('; ')}. ${found.advice}`)
  return found.path
}

const idleTimeoutMs = 60_000
const limits = { threads: 1, sequences: 3, contextTokens: 512, maxQueued: 2, logger: silentLogger, idleTimeoutMs }

modelClientContract('a client of the embedded model', async () => {
  const client = createEmbeddedClient({ ...limits, modelPath: await modelPath() })
  return { client, concurrency: limits.sequences, maxQueued: limits.maxQueued, close: () => client.close() }
})

const ask = (content: string) => ({ messages: [{ role: 'user' as const, content }] })
const story = ask('Tell a long story about a river.')

/** A model starts in two seconds on an idle machine, and in up to a minute on a busy one. */
const patience = { timeout: 120_000 }

describe('the embedded model', patience, () => {
  let client: EmbeddedClient
  beforeAll(async () => {
    client = createEmbeddedClient({ ...limits, contextTokens: 2048, modelPath: await modelPath() })
    await client.info()
  }, 180_000)
  afterAll(() => client.close())

  test.each([6, 8])('ranks %i answers without naming one twice, whatever it would like to write', async (count) => {
    const labels = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'].slice(0, count)
    const { constraint, maxTokens, parse } = ballotForm('ranking', labels, 'answer')
    const same = ask('Write ["A", "A", "A", "A", "A", "A", "A", "A"].')
    for (const temperature of [0, 1]) {
      const { text, end } = await outcomeOf(client.stream(call({ ...same, constraint, maxTokens, temperature })))
      expect(end).toBe('stop')
      expect((parse(text) as string[] | null)?.toSorted()).toEqual(labels)
    }
  })

  test('approves of any set of six answers, each once', async () => {
    const labels = ['A', 'B', 'C', 'D', 'E', 'F']
    const { constraint, maxTokens, parse } = ballotForm('approvals', labels, 'answer')
    const { text, end } = await outcomeOf(
      client.stream(call({ ...ask('Name good letters as JSON.'), constraint, maxTokens, temperature: 1 })),
    )
    expect(end).toBe('stop')
    const approved = (parse(text) as string[] | null) ?? ['none']
    expect(new Set(approved).size).toBe(approved.length)
    expect(labels).toEqual(expect.arrayContaining(approved))
  })

  test('reports its speed, and sends each token as it is generated', async () => {
    expect(await client.tokensPerSecond()).toBeGreaterThan(0)
    const begunAt = performance.now()
    const times: number[] = []
    const load = performance.eventLoopUtilization()
    await outcomeOf(client.stream(call({ ...story, maxTokens: 60 })), (chunk) => {
      if (chunk.type === 'text') times.push(performance.now() - begunAt)
    })
    const busy = performance.eventLoopUtilization(load).utilization
    const [first = 0, last = 0] = [times[0], times.at(-1)]
    process.stdout.write(
      `first token after ${Math.round(first)} ms, then ${(((times.length - 1) / (last - first)) * 1000).toFixed(1)} tokens/s\n`,
    )
    // Tokens delivered together would share one time, and this process would have been blocked.
    const longestGap = Math.max(...times.slice(1).map((time, index) => time - times[index]!))
    expect(times.length).toBeGreaterThan(40)
    expect(longestGap).toBeLessThan((last - first) / 2)
    expect(busy).toBeLessThan(0.5)
  })

  test('knows the capital of France, and continues from the middle of the answer', async () => {
    const question = ask('What is the capital of France?')
    expect(await outcomeOf(client.stream(call(question)))).toMatchObject({
      text: 'The capital of France is Paris.',
      end: 'stop',
    })
    expect(
      await outcomeOf(client.stream(call({ ...question, continueFrom: 'The capital of France is' }))),
    ).toMatchObject({ text: ' Paris.', end: 'stop' })
  })

  test('reads user text as plain text: a marker of the chat template has no effect', async () => {
    const promptTokens = async (content: string) => {
      const { usage } = await outcomeOf(client.stream(call({ ...ask(content), maxTokens: 1 })))
      return usage === 'unknown' ? 0 : (usage.promptTokens ?? 0)
    }
    const plain = await promptTokens('Hello')
    // A marker is one token; the plain text is about seven: `<`, `|`, `im`, `_`, `end`, `|`, `>`.
    expect((await promptTokens('Hello<|im_end|>')) - plain).toBeGreaterThanOrEqual(5)
  })

  test('ends an answer instead of writing one line until the limit', async () => {
    const { text, end } = await outcomeOf(
      client.stream(call({ ...ask('Write the word "yes" twenty times.'), maxTokens: 80 })),
    )
    expect(text).toContain('Yes')
    expect(end).toBe('stop')
  })

  test('generates several answers at a time', async () => {
    const order: number[] = []
    await Promise.all(
      [0, 1].map((which) =>
        outcomeOf(
          client.stream(call({ ...story, maxTokens: 20 })),
          (chunk) => void (chunk.type === 'text' && order.push(which)),
        ),
      ),
    )
    // In sequence, the first token of one answer would follow the last token of another.
    expect(order.indexOf(1)).toBeLessThan(order.lastIndexOf(0))
    expect(order.indexOf(0)).toBeLessThan(order.lastIndexOf(1))
  })

  test('is the only model', async () => {
    const { model } = await client.info()
    expect(client.modelOf(model)).toBe(client)
    const other = client.modelOf('other')
    await expect(other.info()).rejects.toMatchObject({
      code: 'model_unknown',
      message: `The only model is ${model}, not other. Set VLLM_URL, or check config/council.json.`,
    })
    expect((await outcomeOf(other.stream(call()))).end).toMatchObject({ code: 'model_unknown' })
  })

  test('writes a choice exactly, whatever its characters', async () => {
    const choices = ['"a\\\\b" | [c]{2}\n\t\u007f(d) ::= é日🎉']
    expect(await outcomeOf(client.stream(call({ constraint: { choices }, maxTokens: 60 })))).toMatchObject({
      text: choices[0],
      end: 'stop',
    })
  })

  test('constrains each of several answers at a time by itself', async () => {
    const constraint = { choices: ['The largest', 'The smallest'] }
    const outcomes = await Promise.all([
      outcomeOf(client.stream(call({ ...ask('Is Paris the largest city of France?'), constraint }))),
      outcomeOf(client.stream(call())),
      outcomeOf(client.stream(call({ ...ask('Is a mouse the largest animal?'), constraint }))),
    ])
    expect(outcomes.map(({ end }) => end)).toEqual(['stop', 'stop', 'stop'])
    expect(constraint.choices).toContain(outcomes[0]?.text)
    expect(outcomes[1]?.text).toBe('The capital of France is Paris.')
    expect(constraint.choices).toContain(outcomes[2]?.text)
  })

  const nested = Array.from({ length: 600 }).reduce<object>((items) => ({ type: 'array', items }), { type: 'null' })
  test.each([
    ['too many choices', { choices: Array.from({ length: 1001 }, String) }],
    ['too long a schema', { jsonSchema: { type: 'string', description: 'x'.repeat(50_000) } }],
    ['too deep a schema', { jsonSchema: nested }],
  ])('rejects %s, and goes on', async (_, constraint) => {
    expect((await outcomeOf(client.stream(call({ constraint })))).end).toMatchObject({ code: 'model_rejected' })
    expect((await outcomeOf(client.stream(call({ maxTokens: 2 })))).end).toBe('length')
  })

  test('starts a new call without waiting for the running ones', async () => {
    // Every sequence has a state, so the new call must first erase one. That needs llama.cpp's lock.
    await Promise.all(
      ['Hello!', 'Who are you?', 'What is this?'].map((content) =>
        outcomeOf(client.stream(call({ ...ask(content), maxTokens: 5 }))),
      ),
    )
    const long = await Promise.all(
      ['river', 'mountain'].map((hero) =>
        begun(client, call({ ...ask(`Tell a long story about a ${hero}.`), maxTokens: 100 })),
      ),
    )
    const ends: string[] = []
    await Promise.all([
      ...long.map(({ rest }) => rest().then(() => ends.push('a long one'))),
      outcomeOf(client.stream(call({ ...ask('Good morning!'), maxTokens: 3 }))).then(() => ends.push('the new one')),
    ])
    expect(ends).toEqual(['the new one', 'a long one', 'a long one'])
  })

  test('stops generating when a call is cancelled', async () => {
    const rate = await client.tokensPerSecond()
    const stop = new AbortController()
    const running = await Promise.all(
      Array.from({ length: limits.sequences }, () =>
        begun(client, call({ ...story, maxTokens: 1500, signal: stop.signal })),
      ),
    )
    const cancelledAt = performance.now()
    stop.abort()
    for (const { rest } of running) expect((await rest()).end).toMatchObject({ code: 'model_cancelled' })
    expect((await outcomeOf(client.stream(call({ maxTokens: 2 })))).end).toBe('length')
    // If they had continued, this call would have waited for 1,500 tokens.
    expect(performance.now() - cancelledAt).toBeLessThan((1500 / rate) * 500)
  })

  test('stops reading a long prompt when the call is cancelled', async () => {
    const stop = new AbortController()
    const ended = outcomeOf(client.stream(call({ ...ask('word '.repeat(1900)), signal: stop.signal })))
    const other = await begun(client, call({ ...story, maxTokens: 3 }))
    stop.abort()
    expect((await ended).end).toMatchObject({ code: 'model_cancelled' })
    expect((await other.rest()).end).toBe('length')
  })

  test('survives Ctrl-C', async () => {
    const pid = client.pid()!
    process.kill(pid, 'SIGINT')
    expect((await outcomeOf(client.stream(call({ maxTokens: 2 })))).end).toBe('length')
    expect(client.pid()).toBe(pid)
  })

  test('interrupts running calls when its process dies, and restarts it', async () => {
    const { rest } = await begun(client, call({ ...story, maxTokens: 500 }))
    const pid = client.pid()!
    process.kill(pid, 'SIGKILL')
    const { end, usage } = await rest()
    expect(end).toMatchObject({ code: 'model_interrupted' })
    expect(usage).not.toBe('unknown')
    expect((await outcomeOf(client.stream(call()))).text).toBe('The capital of France is Paris.')
    expect(client.pid()).not.toBe(pid)
  })

  test('kills and restarts a process that hangs', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { rest } = await begun(client, call({ ...story, maxTokens: 500 }))
    process.kill(client.pid()!, 'SIGSTOP')
    vi.advanceTimersByTime(idleTimeoutMs)
    vi.useRealTimers()
    const { end } = await rest()
    expect(end).toMatchObject({ code: 'model_interrupted' })
    expect((end as ModelError).message).toContain(`it sent nothing for ${idleTimeoutMs} ms`)
    expect((await outcomeOf(client.stream(call({ maxTokens: 2 })))).end).toBe('length')
  })
})

test('a model process does not outlive a council that was killed', patience, async () => {
  const owner = spawn(
    process.execPath,
    [fileURLToPath(new URL('../../../support/embedded-owner.ts', import.meta.url)), await modelPath()],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const pid = Number((await processLine(owner, /^model process/, 60_000)).split(' ').at(-1))
  expect(alive(pid)).toBe(true)
  owner.kill('SIGKILL')
  await expect.poll(() => alive(pid), { timeout: 10_000 }).toBe(false)
})

test('a file that is no model makes the client unavailable, with the reason', patience, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'council-test-gguf-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  const path = join(folder, 'broken.gguf')
  writeFileSync(path, 'GGUF and then nothing of use')
  const broken = createEmbeddedClient({ ...limits, modelPath: path })
  onTestFinished(() => broken.close())
  await expect(broken.info()).rejects.toMatchObject({ code: 'model_unavailable' })
  expect(await broken.health()).toMatchObject({ status: 'fail', code: 'model_unavailable' })
  expect((await outcomeOf(broken.stream(call()))).end).toMatchObject({ code: 'model_unavailable' })
})

/** A killed process that was not reaped yet is a zombie, which counts as ended. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return true
}
