import { describe, expect, test } from 'vitest'
import { createVllmClient } from '../../src/agents/models/vllm/client.ts'
import { call, failureOf, outcomeOf } from '../support/model-calls.ts'
import { begunWith, clientLimits, refusedUrl, vllmClient, vllmServer } from '../support/vllm-client.ts'
import type { AnswerScript } from '../support/vllm-stand-in/script.ts'
import { startVllmStandIn } from '../support/vllm-stand-in/server.ts'
import { tokenize, wordTokens } from '../support/vllm-stand-in/tokens.ts'
import { modelClientContract } from './model-client.ts'

/** Tests the vLLM client against the stand-in: the contract of all clients, and servers on a network. */
const tokens = ['Paris', ' is', ' the', ' capital', '.']

modelClientContract('a client of a vLLM server', async () => {
  const standIn = await startVllmStandIn({
    answer: ({ chat }) => ({
      tokens: wordTokens(40, chat.continues ? tokenize(chat.messages.at(-1)?.content ?? '').length : 0),
    }),
  })
  const subject = createVllmClient({ urls: [standIn.url], ...clientLimits })
  return {
    client: subject,
    concurrency: clientLimits.concurrency,
    maxQueued: clientLimits.maxQueued,
    close: async () => {
      await subject.close()
      await standIn.close()
    },
  }
})

describe('a request to vLLM', () => {
  test('asks for a stream with running usage, under the id and trace of the call', async () => {
    const vllm = await vllmServer()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await outcomeOf(
      vllmClient([vllm.url]).stream(call({ requestId: 'req-1', traceparent, maxTokens: 7, temperature: 0.5 })),
    )
    expect(vllm.received[0]?.headers).toMatchObject({
      'x-request-id': 'req-1',
      traceparent,
      'content-type': 'application/json',
    })
    expect(vllm.received[0]?.body).toEqual({
      model: 'smollm2',
      messages: [{ role: 'user', content: 'What is the capital of France?' }],
      max_tokens: 7,
      temperature: 0.5,
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    })
  })

  test.each([
    [{ choices: ['yes', 'no'] }, { structured_outputs: { choice: ['yes', 'no'] } }],
    [
      { jsonSchema: { type: 'boolean' } },
      {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'output', schema: { type: 'boolean' }, strict: true },
        },
      },
    ],
  ])('carries the constraint %j', async (constraint, fields) => {
    const vllm = await vllmServer()
    expect((await outcomeOf(vllmClient([vllm.url]).stream(call({ constraint })))).end).toBe('stop')
    expect(vllm.received[0]?.body).toMatchObject(fields)
  })

  test('with a schema that vLLM cannot enforce is rejected', async () => {
    const vllm = await vllmServer()
    const constraint = { jsonSchema: { type: 'array', items: { type: 'string' }, uniqueItems: true } }
    const { end } = await outcomeOf(vllmClient([vllm.url]).stream(call({ constraint })))
    expect(end).toMatchObject({ code: 'model_rejected', message: expect.stringContaining('uniqueItems') as string })
  })

  test('continues an answer as an unfinished last message', async () => {
    const vllm = await vllmServer()
    await outcomeOf(vllmClient([vllm.url]).stream(call({ continueFrom: 'The capital of Fr' })))
    expect(vllm.received[0]?.body).toMatchObject({
      messages: [
        { role: 'user', content: 'What is the capital of France?' },
        { role: 'assistant', content: 'The capital of Fr' },
      ],
      continue_final_message: true,
      add_generation_prompt: false,
    })
  })

  test.each(['', '/', '/v1', '/v1/'])('accepts a base URL that ends in "%s"', async (ending) => {
    const vllm = await vllmServer()
    expect((await outcomeOf(vllmClient([`${vllm.url}${ending}`]).stream(call()))).end).toBe('stop')
  })

  test('carries the key, and a missing or wrong key is reported as such', async () => {
    const vllm = await vllmServer({ apiKey: 'secret' })
    expect((await outcomeOf(vllmClient([vllm.url], { apiKey: 'secret' }).stream(call()))).end).toBe('stop')
    expect(await failureOf(vllmClient([vllm.url], { apiKey: 'wrong' }).stream(call()))).toBe('model_unauthorized')
    expect(await failureOf(vllmClient([vllm.url], { model: 'smollm2' }).stream(call()))).toBe('model_unauthorized')
  })
})

describe('the model', () => {
  test('is the first of the list if none is configured, and the list is requested once', async () => {
    const vllm = await vllmServer({ model: 'some-model', maxModelLen: 4096 })
    const subject = vllmClient([vllm.url])
    await Promise.all([outcomeOf(subject.stream(call())), outcomeOf(subject.stream(call()))])
    expect(await subject.info()).toEqual({ model: 'some-model', kind: 'vllm', contextTokens: 4096 })
    expect(vllm.hits('GET /v1/models')).toBe(1)
  })

  test('is requested again after a failure, because another one may have been started', async () => {
    const vllm = await vllmServer()
    const subject = vllmClient([vllm.url])
    await subject.info()
    vllm.setModel('another', 1024)
    expect(await failureOf(subject.stream(call()))).toBe('model_unknown')
    expect((await outcomeOf(subject.stream(call()))).end).toBe('stop')
    expect(await subject.info()).toMatchObject({ model: 'another', contextTokens: 1024 })
  })

  test('that is configured but not served is unknown', async () => {
    const vllm = await vllmServer()
    const subject = vllmClient([vllm.url], { model: 'other' })
    await expect(subject.info()).rejects.toMatchObject({ code: 'model_unknown' })
    expect(await failureOf(subject.stream(call()))).toBe('model_unknown')
    expect(await subject.health()).toMatchObject({ status: 'fail', code: 'model_unknown' })
  })
})

describe('cancelling a call', () => {
  test.each<[string, AnswerScript]>([
    ['in the middle of an answer', { gated: true }],
    ['in a silent prefill', { trap: { kind: 'silent-prefill' } }],
    ['before any header', { trap: { kind: 'no-answer' } }],
  ])('%s closes the socket, so that the server stops generating', async (_, script) => {
    const vllm = await vllmServer()
    const answer = vllm.nextAnswer(script)
    const stop = new AbortController()
    const ended = failureOf(vllmClient([vllm.url]).stream(call({ requestId: 'cancelled', signal: stop.signal })))
    await answer.received
    if (script.gated) await answer.emit('Paris')
    stop.abort()
    expect(await ended).toBe('model_cancelled')
    await vllm.disconnected('cancelled')
    expect(vllm.running()).toBe(0)
  })

  test('closes the socket even if the reader has stopped reading', async () => {
    const vllm = await vllmServer()
    const answer = vllm.nextAnswer({ gated: true })
    const stop = new AbortController()
    await begunWith(answer, vllmClient([vllm.url]), { signal: stop.signal })
    stop.abort()
    await answer.disconnected
  })

  test('a reader that returns early closes the socket', async () => {
    const vllm = await vllmServer()
    const answer = vllm.nextAnswer({ gated: true })
    const left = (async () => {
      for await (const chunk of vllmClient([vllm.url]).stream(call())) if (chunk.type === 'text') break
    })()
    await answer.emit('Paris')
    await left
    await answer.disconnected
  })

  test('closing the client interrupts running calls and rejects new ones', async () => {
    const vllm = await vllmServer()
    const answer = vllm.nextAnswer({ gated: true })
    const subject = vllmClient([vllm.url])
    const { rest } = await begunWith(answer, subject)
    await subject.close()
    expect((await rest()).end).toMatchObject({ code: 'model_interrupted' })
    expect(await failureOf(subject.stream(call()))).toBe('model_unavailable')
    await answer.disconnected
  })
})

describe('several servers', () => {
  test.each<[string, AnswerScript | 'refused']>([
    ['the first refuses connections', 'refused'],
    ['the first answers 503', { trap: { kind: 'status', status: 503, body: '' } }],
    ['the first is silent for too long', { trap: { kind: 'silent-prefill' } }],
    [
      'the first streams only an error',
      {
        trap: {
          kind: 'not-a-stream',
          contentType: 'text/event-stream',
          body: 'data: {"error":{"message":"dead"}}\n\ndata: [DONE]\n\n',
        },
      },
    ],
  ])('fail over when %s', async (_, script) => {
    const second = await vllmServer()
    const first = script === 'refused' ? undefined : await vllmServer()
    if (first && script !== 'refused') first.nextAnswer(script)
    second.nextAnswer({ tokens })
    const subject = vllmClient([first?.url ?? (await refusedUrl()), second.url], { firstByteTimeoutMs: 500 })
    const { end, text } = await outcomeOf(subject.stream(call()))
    expect({ end, text }).toEqual({ end: 'stop', text: tokens.join('') })
  })

  test('keep an answer that has begun on its server', async () => {
    const [first, second] = [await vllmServer(), await vllmServer()]
    first.nextAnswer({ tokens, trap: { kind: 'cut-socket', afterTokens: 1 } })
    expect(await failureOf(vllmClient([first.url, second.url]).stream(call()))).toBe('model_interrupted')
    expect(second.received).toHaveLength(0)
  })

  test('do not fail over after a rejected call', async () => {
    const [first, second] = [await vllmServer(), await vllmServer()]
    expect(await failureOf(vllmClient([first.url, second.url]).stream(call({ maxTokens: 0 })))).toBe('model_rejected')
    expect(second.hits('POST /v1/chat/completions')).toBe(0)
  })

  test('share calls by the fewest open answers', async () => {
    const [first, second] = [await vllmServer(), await vllmServer()]
    const held = first.nextAnswer({ gated: true })
    const subject = vllmClient([first.url, second.url])
    const { rest } = await begunWith(held, subject)
    expect((await outcomeOf(subject.stream(call()))).end).toBe('stop')
    expect([first.received.length, second.received.length]).toEqual([1, 1])
    await held.finish()
    expect((await rest()).end).toBe('stop')
  })

  test('report a warning while one of them is unhealthy', async () => {
    const [first, second] = [await vllmServer(), await vllmServer()]
    const subject = vllmClient([first.url, second.url])
    second.setHealth(503)
    expect(await subject.health()).toMatchObject({ status: 'warn', code: 'model_unavailable' })
    second.setHealth(200)
    expect(await subject.health()).toMatchObject({ status: 'pass' })
  })

  test('are all named when none answers', async () => {
    const urls = [await refusedUrl(), await refusedUrl()]
    const { end } = await outcomeOf(vllmClient(urls).stream(call()))
    for (const url of urls)
      expect(end).toMatchObject({ code: 'model_unavailable', message: expect.stringContaining(url) })
  })
})

describe('a server that keeps failing', () => {
  const broken: AnswerScript = { trap: { kind: 'status', status: 500, body: '' } }

  async function brokenAfterThree(leaveAloneMs: number) {
    const vllm = await vllmServer()
    const subject = vllmClient([vllm.url], { leaveAloneMs })
    for (let failures = 0; failures < 3; failures += 1) {
      vllm.nextAnswer(broken)
      expect(await failureOf(subject.stream(call()))).toBe('model_unavailable')
    }
    return { vllm, subject }
  }

  test('is not used for a while after three failures', async () => {
    const { vllm, subject } = await brokenAfterThree(60_000)
    expect(await failureOf(subject.stream(call()))).toBe('model_unavailable')
    expect(vllm.hits('POST /v1/chat/completions')).toBe(3)
  })

  test('is probed afterwards, and gets no call while it is unhealthy', async () => {
    const { vllm, subject } = await brokenAfterThree(0)
    vllm.setHealth(503)
    expect(await failureOf(subject.stream(call()))).toBe('model_unavailable')
    expect(vllm.hits('POST /v1/chat/completions')).toBe(3)
  })

  test('is used again once its health page succeeds', async () => {
    const { vllm, subject } = await brokenAfterThree(0)
    expect((await outcomeOf(subject.stream(call()))).end).toBe('stop')
    expect(vllm.hits('GET /health')).toBe(1)
  })

  test('does not open its breaker by rejecting calls or reporting overload', async () => {
    const vllm = await vllmServer()
    const subject = vllmClient([vllm.url], { leaveAloneMs: 60_000 })
    for (const code of [400, 429, 400, 429, 429, 429]) {
      vllm.nextAnswer({ trap: { kind: 'status', status: code, body: '' } })
      expect(await failureOf(subject.stream(call()))).toBe(code === 400 ? 'model_rejected' : 'model_overloaded')
    }
    expect((await outcomeOf(subject.stream(call()))).end).toBe('stop')
  })
})
