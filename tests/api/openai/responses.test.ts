import { describe, expect, test } from 'vitest'
import { councilClient } from '../../../src/client/client.ts'
import { newId } from '../../support/council.ts'
import { dataOf, openAiClient, rawOpenAi, sentEvents } from '../../support/openai-client.ts'
import { adminToken } from '../../support/served-council.ts'
import { serveForTests } from '../../support/test-scene.ts'

const scene = serveForTests()
const question = { model: 'council-fast', input: 'What is the capital of France?' }
const openai = () => openAiClient(scene.council)
const raw = (body: object) => rawOpenAi(scene.council, '/v1/responses', body)

describe('a response', () => {
  test('is the answer to a prompt in the log, with its usage', async () => {
    scene.model.nextAnswer({ tokens: ['Paris', '.'] })
    const response = await openai().responses.create(question)
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      model: 'council-fast',
      output_text: 'Paris.',
      error: null,
      incomplete_details: null,
    })
    const { input_tokens: input, output_tokens: output, total_tokens: total } = response.usage!
    expect(total).toBe(input + output)
    expect(await scene.eventsOf(response.id.replace('resp_', ''), /^AnswerCompleted$/)).toHaveLength(1)
  })

  test('that was cut off is incomplete', async () => {
    scene.model.nextAnswer({ tokens: ['Paris'], finishReason: 'length' })
    const response = await openai().responses.create(question)
    expect(response).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
  })

  test('is streamed as the events of OpenAI, numbered', async () => {
    scene.model.nextAnswer({ tokens: ['Paris', '.'] })
    const { status, text } = await raw({ ...question, stream: true })
    const events = sentEvents(text)
    const deltas = events.filter(({ name }) => name === 'response.output_text.delta')
    expect(status).toBe(200)
    expect(deltas.length).toBeGreaterThan(0)
    expect(events.map(({ name }) => name)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      ...deltas.map(({ name }) => name),
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    for (const [index, data] of dataOf(text).entries())
      expect(data).toMatchObject({ type: events[index]?.name, sequence_number: index })
    expect(dataOf(text).at(-1)).toMatchObject({
      response: {
        status: 'completed',
        output: [{ content: [{ type: 'output_text', text: 'Paris.', annotations: [], logprobs: [] }] }],
      },
    })
  })

  test('is collected by the client of OpenAI from its stream', async () => {
    scene.model.nextAnswer({ tokens: ['The', ' capital', ' is', ' Paris.'] })
    const stream = openai().responses.stream(question)
    let text = ''
    stream.on('response.output_text.delta', ({ delta }) => void (text += delta))
    const response = await stream.finalResponse()
    expect([response.output_text, text]).toEqual(['The capital is Paris.', 'The capital is Paris.'])
    expect(response.usage?.total_tokens).toBeGreaterThan(0)
  })

  test('sees the conversation and the instructions of its client', async () => {
    const answer = scene.model.nextAnswer({ tokens: ['Berlin.'] })
    const response = await openai().responses.create({
      model: 'council-fast',
      instructions: 'Answer in one word.',
      input: [
        { role: 'user', content: [{ type: 'input_text', text: question.input }] },
        {
          type: 'message',
          role: 'assistant',
          id: 'msg_1',
          status: 'completed',
          content: [{ type: 'output_text', text: 'Paris.', annotations: [] }],
        },
        { role: 'user', content: 'And of Germany?' },
      ],
    })
    expect((await answer.received).chat.messages).toEqual([
      { role: 'system', content: expect.stringMatching(/\n\nAnswer in one word\.$/) },
      { role: 'user', content: question.input },
      { role: 'assistant', content: 'Paris.' },
      { role: 'user', content: 'And of Germany?' },
    ])
    expect(response.instructions).toBe('Answer in one word.')
  })

  test('that fails in the middle of its stream ends with an error and its failed response', async () => {
    const answer = scene.model.nextAnswer({ gated: true })
    const asked = raw({ ...question, stream: true })
    await answer.emit('Par')
    const { requestId } = await answer.received
    const client = councilClient({ url: scene.council.url, token: adminToken })
    expect(await client.cancel(requestId.slice(0, newId().length))).toEqual({ cancelled: true })
    const { text } = await asked
    expect(sentEvents(text).at(-2)?.name).toBe('error')
    expect(dataOf(text).slice(-2)).toMatchObject([
      { type: 'error', code: 'prompt_cancelled', param: null },
      {
        type: 'response.failed',
        response: { status: 'failed', error: { code: 'prompt_cancelled' }, output: [{ content: [{ text: 'Par' }] }] },
      },
    ])
  })

  test.each<[string, object, string, string]>([
    ['no input', { input: undefined }, 'missing_required_parameter', 'input'],
    ['an empty input', { input: ' ' }, 'unsupported_value', 'input'],
    ['a call of a tool', { input: [{ type: 'function_call', name: 'x' }] }, 'unsupported_value', 'input[0]'],
    ['instructions that are no text', { instructions: ['x'] }, 'invalid_type', 'instructions'],
    ['an earlier response', { previous_response_id: 'resp_1' }, 'unsupported_parameter', 'previous_response_id'],
    ['a response in the background', { background: true }, 'unsupported_parameter', 'background'],
    ['JSON', { text: { format: { type: 'json_object' } } }, 'unsupported_parameter', 'text'],
    ['a parameter of chat completions', { messages: [] }, 'unknown_parameter', 'messages'],
  ])('to a request with %s is refused', async (_, fields, code, param) => {
    const { status, text } = await raw({ ...question, ...fields })
    expect([status, JSON.parse(text)]).toMatchObject([400, { error: { code, param, type: 'invalid_request_error' } }])
  })
})
