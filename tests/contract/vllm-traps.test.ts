import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ModelError } from '../../src/agents/models/model.ts'
import { call, failureOf, outcomeOf } from '../support/model-calls.ts'
import { unacceptingServer } from '../support/unaccepting-server.ts'
import { begunWith, refusedUrl, vllmClient, vllmServer } from '../support/vllm-client.ts'
import type { AnswerScript, InStream, Wire } from '../support/vllm-stand-in/script.ts'

/** Tests the client against every observed fault of vLLM, a proxy or the network. */
const page =
  '<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>'
const tokens = ['Paris', ' is', ' the', ' capital', '.']

/** The outcome of a call to a server that answers with this script. */
async function outcomeWith(script: AnswerScript, options?: Parameters<typeof vllmClient>[1]) {
  const vllm = await vllmServer()
  const answer = vllm.nextAnswer(script)
  return { ...(await outcomeOf(vllmClient([vllm.url], options).stream(call()))), answer }
}

describe('an answer that breaks', () => {
  const died = 'EngineCore encountered an issue'
  const traps: [string, InStream, string][] = [
    ['the socket is closed', { kind: 'cut-socket', afterTokens: 3 }, 'broke'],
    ['the body ends early', { kind: 'early-end', afterTokens: 3 }, 'in the middle'],
    ['an error object arrives, then [DONE]', { kind: 'error-object', afterTokens: 3 }, died],
    ['a flat error object arrives', { kind: 'error-object', afterTokens: 3, shape: 'flat' }, died],
    ['an error that is a string arrives', { kind: 'error-object', afterTokens: 3, shape: 'string' }, died],
    ['the engine gives up with finish reason abort and [DONE]', { kind: 'abort-finish', afterTokens: 3 }, 'abort'],
    ['an event is not JSON', { kind: 'event', data: page, afterTokens: 3 }, 'not JSON'],
    [
      'an event has another shape',
      { kind: 'event', data: '{"choices":[{"delta":{"content":7}}]}', afterTokens: 3 },
      'choices.0.delta.content',
    ],
    [
      'bytes are not UTF-8',
      { kind: 'bytes', bytes: Uint8Array.of(0x64, 0xff, 0xfe, 0x0a), afterTokens: 3 },
      'not UTF-8',
    ],
    [
      'an event never ends',
      { kind: 'bytes', bytes: Buffer.from(`data: ${'x'.repeat(1_100_000)}`), afterTokens: 3 },
      'event of more than',
    ],
  ]

  test.each(traps)('is interrupted when %s, and keeps its usage', async (_, trap, words) => {
    const { end, text, usage } = await outcomeWith({ tokens, trap })
    expect(end).toMatchObject({ code: 'model_interrupted', message: expect.stringContaining(words) })
    expect(text.startsWith('Paris is the')).toBe(true)
    expect(usage).toMatchObject({ promptTokens: 37 })
  })

  test('is cut when it exceeds maxTokens, and its socket is closed', async () => {
    const { end, text, answer } = await outcomeWith({
      trap: { kind: 'endless', token: ' and'.repeat(200), afterTokens: 0 },
    })
    expect(end).toBe('length')
    expect(text.length).toBeLessThan(1_200_000)
    await answer.disconnected
  })

  test('times out after a silence, and its socket is closed', async () => {
    const script: AnswerScript = { tokens, trap: { kind: 'stall', afterTokens: 3 } }
    const { end, text, usage, answer } = await outcomeWith(script, { idleTimeoutMs: 100 })
    expect(end).toMatchObject({ code: 'model_timeout' })
    expect(text).toBe('Paris is the')
    expect(usage).toEqual({ promptTokens: 37, completionTokens: 3 })
    await answer.disconnected
  })

  test('does not time out because of a slow reader', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const vllm = await vllmServer()
    const answer = vllm.nextAnswer({ gated: true })
    const { rest } = await begunWith(answer, vllmClient([vllm.url], { idleTimeoutMs: 50 }))
    vi.advanceTimersByTime(60_000)
    await answer.emit('.')
    await answer.finish()
    expect((await rest()).end).toBe('stop')
  })
})

describe('an unusual but valid answer', () => {
  test.each<[string, Wire]>([
    ['lines end in \\r\\n', { lineEnd: '\r\n' }],
    ['lines end in \\r', { lineEnd: '\r' }],
    ['no space follows data:', { noSpace: true }],
    ['comments come in between', { comments: true }],
    ['it arrives byte by byte', { pieceBytes: 1 }],
    ['it arrives in pieces of seven bytes with \\r\\n', { pieceBytes: 7, lineEnd: '\r\n' }],
    ['it arrives in one piece', { pieceBytes: 1_000_000 }],
  ])('is complete when %s', async (_, wire) => {
    const odd = ['L’été', '', ' 日本', '語', ' 🎉', '\n\n', ' data: [DONE]']
    expect(await outcomeWith({ tokens: odd, wire })).toMatchObject({
      end: 'stop',
      text: odd.join(''),
      usage: { promptTokens: 37, completionTokens: 8 },
    })
  })

  test.each<[string, InStream]>([
    ['reasoning', { kind: 'deltas', deltas: [{ reasoning: 'Hm.' }, { reasoning_content: 'Hm.' }], afterTokens: 2 }],
    [
      'tool calls',
      {
        kind: 'deltas',
        deltas: [{ content: null, tool_calls: [{ index: 0, function: { arguments: '"' } }] }],
        afterTokens: 2,
      },
    ],
    ['empty deltas', { kind: 'deltas', deltas: [{ content: '' }, {}, { content: null }], afterTokens: 2 }],
  ])('has none of its text from %s', async (_, trap) => {
    const { end, text, chunks } = await outcomeWith({ tokens, trap })
    expect(end).toBe('stop')
    expect(text).toBe(tokens.join(''))
    expect(chunks.every((chunk) => chunk.type !== 'text' || chunk.text !== '')).toBe(true)
  })

  test('joins a character that is split between two deltas', async () => {
    const delta = (content: string) => `data: {"choices":[{"delta":{"content":"${content}"}}]}\n\n`
    const bytes = Buffer.from(delta('\\ud83c') + delta('\\udf89'))
    const { text } = await outcomeWith({ tokens: ['!'], trap: { kind: 'bytes', bytes, afterTokens: 0 } })
    expect(text).toBe('🎉!')
  })

  test.each([
    ['without usage, which is then unknown', 'no-usage', 'unknown'],
    ['with usage only at its end', 'no-continuous-usage', { promptTokens: 37, completionTokens: 6 }],
  ] as const)('is complete %s', async (_, kind, usage) => {
    expect(await outcomeWith({ tokens, trap: { kind } })).toMatchObject({ end: 'stop', usage })
  })

  test('ends at [DONE] even if the server keeps the connection open', async () => {
    const { end, answer } = await outcomeWith({ tokens, trap: { kind: 'held-open' } })
    expect(end).toBe('stop')
    await answer.disconnected
  })
})

describe('a server that does not answer', () => {
  const status = (code: number, body: string, contentType?: string): AnswerScript => ({
    trap: { kind: 'status', status: code, body, ...(contentType ? { contentType } : {}) },
  })
  const engine = (message: string, param: string | null = null) =>
    JSON.stringify({ error: { message, type: 'E', param, code: 400 } })

  test.each<[string, AnswerScript, string, string]>([
    ['a proxy sends 502 in HTML', status(502, page, 'text/html'), 'model_unavailable', '502 Bad Gateway'],
    ['the engine is dead', status(500, engine('EngineCore encountered an issue.')), 'model_unavailable', 'EngineCore'],
    ['it is overloaded', status(429, '{"object":"error","message":"slow down"}'), 'model_overloaded', 'slow down'],
    ['it rejects the key', status(403, '{"error":"Forbidden"}'), 'model_unauthorized', 'VLLM_API_KEY'],
    [
      'it does not know the model',
      status(404, engine('The model does not exist', 'model')),
      'model_unknown',
      'VLLM_MODEL',
    ],
    ['the path is wrong', status(404, '{"detail":"Not Found"}'), 'model_unavailable', 'VLLM_URL'],
    [
      'an older release calls the prompt too long',
      status(400, '{"object":"error","message":"This model\'s maximum context length is 5"}'),
      'prompt_too_long',
      'maximum context',
    ],
    [
      'a field is wrong',
      status(400, engine('temperature must be non-negative', 'temperature')),
      'model_rejected',
      'temperature',
    ],
    [
      'the web layer lists the faults',
      status(422, '{"detail":[{"msg":"field required"}]}'),
      'model_rejected',
      'field required',
    ],
    ['the error is empty', status(418, ''), 'model_rejected', '418'],
    ['the error is 300 KB of text', status(500, 'x'.repeat(300_000), 'text/plain'), 'model_unavailable', 'xxx…'],
    [
      'it sends a page instead of a stream',
      { trap: { kind: 'not-a-stream', body: page, contentType: 'text/html' } },
      'model_unavailable',
      'text/html',
    ],
    [
      'it sends JSON instead of a stream',
      { trap: { kind: 'not-a-stream', body: '{}', contentType: 'application/json' } },
      'model_unavailable',
      'application/json',
    ],
  ])('is reported with a code and a reason when %s', async (_, script, code, words) => {
    const { end } = await outcomeWith(script)
    expect(end).toMatchObject({ code, message: expect.stringContaining(words) })
    expect((end as ModelError).message.length).toBeLessThan(1000)
  })

  test('is unavailable when it refuses connections', async () => {
    const subject = vllmClient([await refusedUrl()])
    expect(await failureOf(subject.stream(call()))).toBe('model_unavailable')
    expect(await subject.health()).toMatchObject({ status: 'fail', code: 'model_unavailable' })
    await expect(subject.info()).rejects.toMatchObject({ code: 'model_unavailable' })
  })

  test('is unavailable when it accepts no connection in time', async () => {
    const { end } = await outcomeOf(vllmClient([await unacceptingServer()], { connectTimeoutMs: 100 }).stream(call()))
    const message = expect.stringContaining('no connection within 100 ms')
    expect(end).toMatchObject({ code: 'model_unavailable', message })
  })

  test.each(['no-answer', 'silent-prefill'] as const)(
    'times out before the first byte (%s), and its socket is closed',
    async (kind) => {
      const { end, answer } = await outcomeWith({ trap: { kind } }, { firstByteTimeoutMs: 100 })
      expect(end).toMatchObject({ code: 'model_timeout' })
      await answer.disconnected
    },
  )

  test('closes a kept-alive connection: the call is retried on a new one', async () => {
    const vllm = await vllmServer()
    vllm.nextAnswer({ trap: { kind: 'reset' } })
    vllm.nextAnswer({ tokens })
    expect((await outcomeOf(vllmClient([vllm.url]).stream(call()))).end).toBe('stop')
    expect(vllm.received).toHaveLength(2)
  })
})
