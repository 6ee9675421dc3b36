import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { ModelError } from '../../../../src/agents/models/model.ts'
import { readAnswer } from '../../../../src/agents/models/vllm/stream.ts'
import { outcomeOf } from '../../../support/model-calls.ts'

/** Every way in which a stream can end, as bytes on the wire, and the resulting ending of the answer. */
type Row = [finishReason: string | null | undefined, withText: string, reasoningOnly: string, nothing: string]
const empty = 'empty_answer'

const withDone: Row[] = [
  ['stop', 'stop', empty, empty],
  ['length', 'length', empty, empty],
  ['tool_calls', 'stop, degraded', empty, empty],
  ['function_call', 'stop, degraded', empty, empty],
  ['content_filter', 'answer_filtered', 'answer_filtered', 'answer_filtered'],
  ['abort', 'model_interrupted', 'model_interrupted', 'model_interrupted'],
  ['error', 'model_interrupted', 'model_interrupted', 'model_interrupted'],
  ['', 'stop, degraded', empty, empty],
  ['none', 'stop, degraded', empty, empty],
  ['a_reason_of_a_newer_server', 'stop, degraded', empty, empty],
  [null, 'stop, degraded', empty, empty],
  [undefined, 'stop, degraded', empty, empty],
]
/** Without `[DONE]`, only a stream without a finish reason ends differently. */
const withoutDone: Row[] = withDone.map(([reason, ...endings]) => [
  reason,
  ...(reason === null || reason === undefined
    ? (['model_interrupted', 'model_interrupted', 'model_interrupted'] as const)
    : endings),
])

const event = (choice: object) => `data: ${JSON.stringify({ choices: [choice] })}\n\n`
const text = event({ delta: { content: 'Paris.' } })
const reasoning = event({ delta: { reasoning: 'A capital.' } })

async function endOf(stream: string, continues = false): Promise<string> {
  const { end, chunks } = await outcomeOf(
    readAnswer(Readable.from([Buffer.from(stream)]), { maxTokens: 16, continues }),
  )
  if (end instanceof ModelError) return end.code
  const last = chunks.at(-1)
  return last?.type === 'end' && last.degraded ? `${end}, degraded` : end
}

describe.each([
  ['with [DONE]', withDone, 'data: [DONE]\n\n'],
  ['without [DONE]', withoutDone, ''],
])('a stream %s', (_, rows, done) => {
  test.each(rows)(
    'and finish reason %j ends as %s with text, %s with reasoning alone, %s with nothing',
    async (reason, withText, reasoningOnly, nothing) => {
      const finish = reason === undefined ? '' : event({ delta: {}, finish_reason: reason })
      expect(await endOf(text + finish + done)).toBe(withText)
      expect(await endOf(reasoning + text + finish + done)).toBe(withText)
      expect(await endOf(reasoning + finish + done)).toBe(reasoningOnly)
      expect(await endOf(finish + done)).toBe(nothing)
      // A continuation without new text finishes an answer that has text.
      expect(await endOf(finish + done, true)).toBe(withText)
    },
  )
})

test('a finish reason in the event of the last text keeps that text', async () => {
  expect(await endOf(event({ delta: { content: 'Paris.' }, finish_reason: 'stop' }))).toBe('stop')
})

test('an error after a finish reason does not change the ending', async () => {
  const finished = text + event({ delta: {}, finish_reason: 'stop' })
  for (const rest of [
    'data: {"error":{"message":"the engine died"}}\n\n',
    'data: not JSON\n\n',
    'data: {"choices":7}\n\n',
    'data: {"choi',
  ])
    expect(await endOf(finished + rest)).toBe('stop')
})

test.each([
  ['delta is null', { delta: null }],
  ['delta is missing', {}],
  ['content is null', { delta: { content: null } }],
  ['reasoning is no text', { delta: { reasoning: 7 } }],
])('an event whose %s is valid', async (_, choice) => {
  expect(await endOf(event(choice) + text + event({ delta: null, finish_reason: 'stop' }) + 'data: [DONE]\n\n')).toBe(
    'stop',
  )
})

test.each([
  '"many"',
  '[]',
  '-1',
  '{}',
  '{"prompt_tokens":"x"}',
  '{"prompt_tokens":-1,"completion_tokens":1e999}',
  'null',
])('the usage %s does not break the answer', async (usage) => {
  expect(
    await endOf(
      `data: {"choices":null,"usage":${usage}}\n\n${text}${event({ delta: {}, finish_reason: 'stop' })}data: {"choices":[],"usage":${usage}}\n\ndata: [DONE]\n\n`,
    ),
  ).toBe('stop')
})
