import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelError } from '../../../../src/agents/models/model.ts'
import { readAnswer } from '../../../../src/agents/models/vllm/stream.ts'
import { outcomeOf } from '../../../support/model-calls.ts'
import { recording } from '../../../support/recordings.ts'

/** Tests the stream reader with recorded bytes of a real vLLM, cut and split at every position. */
const recorded = [
  [
    'running usage',
    recording('chat.jsonl', 'stream with continuous usage'),
    'The capital of France is Paris.',
    { promptTokens: 37, completionTokens: 8 },
  ],
  [
    'characters of several bytes',
    recording('chat.jsonl', 'stream of multi-byte text'),
    '🎉 Naïve.',
    { promptTokens: 45, completionTokens: 40 },
  ],
  [
    'a text held back for a stop string',
    recording('chat.jsonl', 'stream stopped by stop string'),
    'The capital of ',
    { promptTokens: 37, completionTokens: 4 },
  ],
] as const

const read = (...pieces: Uint8Array[]) =>
  outcomeOf(readAnswer(Readable.from(pieces), { maxTokens: 100, continues: false }))

describe.each(recorded)('a recorded answer with %s', (_, { response }, beginning, usage) => {
  const bytes = Buffer.from(response.body)

  test('is read in full, with the usage that the server reported', async () => {
    const outcome = await read(bytes)
    expect(outcome.text.startsWith(beginning)).toBe(true)
    expect(outcome.usage).toEqual(usage)
    expect(['stop', 'length']).toContain(outcome.end)
  })

  test('is the same however its bytes are split', async () => {
    const whole = await read(bytes)
    const cuts = fc.array(fc.nat(bytes.length), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(cuts, async (at) => {
        const edges = [0, ...at.toSorted((a, b) => a - b), bytes.length]
        const pieces = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge))
        expect(await read(...pieces)).toEqual(whole)
      }),
      { numRuns: 100 },
    )
  })

  test('is interrupted by a cut at any byte before its finish reason, and complete after a later cut', async () => {
    const whole = await read(bytes)
    const finished = Buffer.byteLength(
      response.body.slice(0, response.body.indexOf('\n\n', response.body.search(/"finish_reason":"/)) + 2),
    )
    for (let length = 0; length < bytes.length; length += 1) {
      const cut = await read(bytes.subarray(0, length))
      const isInterrupted = cut.end instanceof ModelError && cut.end.code === 'model_interrupted'
      if (length < finished ? !isInterrupted : cut.end !== whole.end || cut.text !== whole.text)
        expect.fail(`cut after ${length} bytes: ${String(cut.end)}`)
      if (!whole.text.startsWith(cut.text)) expect.fail(`cut after ${length} bytes: ${cut.text}`)
    }
  }, 60_000)
})

test('ignores bytes after [DONE]', async () => {
  const { response } = recording('chat.jsonl', 'stream with usage')
  expect((await read(Buffer.from(response.body), Buffer.from('data: {"error":{"message":"late"}}\n\n'))).end).toBe(
    'stop',
  )
})

test.each([
  ['a dying engine', recording('engine-died.jsonl', 'engine process killed in mid-stream')],
  ['a server that got SIGTERM', recording('keys-tools-sigterm.jsonl', 'server got SIGTERM in mid-stream')],
])('the recorded stream of %s is an interruption, although it says [DONE]', async (_, { response }) => {
  const { end, text } = await read(Buffer.from(response.body))
  expect(end).toMatchObject({ code: 'model_interrupted' })
  expect(text.length).toBeGreaterThan(20)
})

test('a call that the server rejects after it has begun the stream is rejected', async () => {
  // vLLM 0.32 answers 200 with this event to a call without choices.
  const error = { message: "Choice '[]' cannot be an empty list", type: 'BadRequestError', param: null, code: 400 }
  expect((await read(Buffer.from(`data: ${JSON.stringify({ error })}\n\ndata: [DONE]\n\n`))).end).toMatchObject({
    code: 'model_rejected',
    message: expect.stringContaining('cannot be an empty list') as unknown,
  })
})

test('arbitrary bytes end in an answer, an interruption, or the failure of a finished answer', async () => {
  const event = fc.oneof(
    fc.json(),
    fc.string(),
    fc.constant('[DONE]'),
    fc.constant('{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}'),
  )
  const stream = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.array(event, { maxLength: 8 }).map((events) => Buffer.from(events.map((data) => `data: ${data}\n\n`).join(''))),
  )
  await fc.assert(
    fc.asyncProperty(stream, async (bytes) => {
      const { end } = await read(bytes)
      expect(end instanceof ModelError ? ['model_interrupted', 'empty_answer'] : ['stop', 'length']).toContain(
        end instanceof ModelError ? end.code : end,
      )
    }),
    { numRuns: 500 },
  )
})
