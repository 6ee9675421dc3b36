import OpenAI from 'openai'
import { describe, expect, onTestFinished, test } from 'vitest'
import { councilClient } from '../../../src/client/client.ts'
import { newId } from '../../support/council.ts'
import { dataOf, openAiClient, openAiErrorOf, rawOpenAi } from '../../support/openai-client.ts'
import { adminToken, serveCouncil } from '../../support/served-council.ts'
import { serveForTests } from '../../support/test-scene.ts'
import { rejection } from '../../support/vllm-stand-in/script.ts'

const scene = serveForTests()
const path = '/v1/chat/completions'
const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }]
const question = { model: 'council-fast', messages }
const openai = (options: Parameters<typeof openAiClient>[1] = {}) => openAiClient(scene.council, options)
const raw = (body: object | string, headers: Record<string, string> = {}) =>
  rawOpenAi(scene.council, path, body, headers)
const requestIdOf = (id: string) => id.replace('chatcmpl-', '')

/** Cancels the prompt of a call to the model. */
async function cancel(callId: string): Promise<void> {
  const client = councilClient({ url: scene.council.url, token: adminToken })
  expect(await client.cancel(callId.slice(0, newId().length))).toEqual({ cancelled: true })
}

describe('the models', () => {
  test('are the ways to answer', async () => {
    const ids: string[] = []
    for await (const { id } of openai().models.list()) ids.push(id)
    expect(ids).toEqual(['council', 'council-fast', 'council-full'])
    expect(await openai().models.retrieve('council-full')).toMatchObject({ object: 'model', id: 'council-full' })
    expect(await openAiErrorOf(openai().models.retrieve('gpt-4'))).toMatchObject({
      status: 404,
      code: 'model_not_found',
    })
  })

  test('need a token that the council knows', async () => {
    const error = await openAiErrorOf(openai({ apiKey: 'wrong' }).models.list())
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(error).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'invalid_request_error' })
  })
})

describe('a chat completion', () => {
  test('is the answer to a prompt in the log, with its usage', async () => {
    scene.model.nextAnswer({ tokens: ['Paris', '.'] })
    const completion = await openai().chat.completions.create(question)
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model: 'council-fast',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Paris.' }, finish_reason: 'stop' }],
    })
    const [ended] = await scene.eventsOf(requestIdOf(completion.id), /^AnswerCompleted$/)
    const { promptTokens, completionTokens } = ended?.data['tokens'] as Record<string, number>
    expect(completion.usage).toEqual({
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens! + completionTokens!,
    })
    expect(Math.abs(completion.created * 1_000 - Date.now())).toBeLessThan(60_000)
  })

  test('is streamed as the model writes it', async () => {
    const answer = scene.model.nextAnswer({ gated: true })
    const asked = openai().chat.completions.create({
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    })
    await answer.emit('The capital')
    const chunks: string[] = []
    let usage: object | null | undefined
    for await (const chunk of await asked) {
      const [choice] = chunk.choices
      if (choice?.delta.content) chunks.push(choice.delta.content)
      if (chunks.length === 1 && choice?.delta.content) {
        await answer.emit(' is Paris.')
        await answer.finish()
      }
      usage = chunk.usage
    }
    expect(chunks).toEqual(['The capital', ' is Paris.'])
    expect(usage).toMatchObject({ total_tokens: expect.any(Number) })
  })

  test('is a stream of events that ends with its reason, its usage and [DONE]', async () => {
    scene.model.nextAnswer({ tokens: ['Paris'], finishReason: 'length' })
    const { status, headers, text } = await raw({ ...question, stream: true, stream_options: { include_usage: true } })
    expect([status, headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8'])
    const events = dataOf(text)
    const id = expect.stringMatching(/^chatcmpl-/)
    const common = { id, object: 'chat.completion.chunk', created: expect.any(Number), model: 'council-fast' }
    const choice = { index: 0, logprobs: null }
    expect(events).toEqual([
      {
        ...common,
        choices: [{ ...choice, delta: { role: 'assistant', content: '' }, finish_reason: null }],
        usage: null,
      },
      { ...common, choices: [{ ...choice, delta: { content: 'Paris' }, finish_reason: null }], usage: null },
      { ...common, choices: [{ ...choice, delta: {}, finish_reason: 'length' }], usage: null },
      { ...common, choices: [], usage: expect.objectContaining({ total_tokens: expect.any(Number) }) },
      '[DONE]',
    ])
    const plain = dataOf((await raw({ ...question, stream: true })).text)
    expect(plain.filter((event) => typeof event === 'object' && 'usage' in event)).toEqual([])
  })

  test('of the model council-full is the answer of the whole council', async () => {
    const completion = await openai().chat.completions.create({ model: 'council-full', messages })
    const [routed] = await scene.eventsOf(requestIdOf(completion.id), /^RequestRouted$/)
    expect(routed?.data).toMatchObject({ path: 'full', by: 'user' })
    expect(await scene.eventsOf(requestIdOf(completion.id), /^DraftProduced$/)).not.toHaveLength(0)
  })

  test('sees the conversation and the instructions of its client, which are recorded with the prompt', async () => {
    const answer = scene.model.nextAnswer({ tokens: ['Berlin.'] })
    const completion = await openai().chat.completions.create({
      model: 'council-fast',
      messages: [
        { role: 'system', content: 'Answer in one word.' },
        ...messages,
        { role: 'assistant', content: 'Paris.' },
        { role: 'user', content: 'And' },
        { role: 'user', content: [{ type: 'text', text: 'of Germany?' }] },
      ],
    })
    const { chat } = await answer.received
    expect(chat.messages).toEqual([
      { role: 'system', content: expect.stringMatching(/\n\nAnswer in one word\.$/) },
      ...messages,
      { role: 'assistant', content: 'Paris.' },
      { role: 'user', content: 'And\n\nof Germany?' },
    ])
    const turns = [{ question: messages[0]!.content, answer: 'Paris.' }]
    const [prompt, sensed] = await scene.eventsOf(requestIdOf(completion.id), /^(PromptSubmitted|ContextSensed)$/)
    expect(prompt?.data).toMatchObject({
      text: 'And\n\nof Germany?',
      context: { instructions: 'Answer in one word.', turns },
    })
    expect(sensed?.data['conversation']).toMatchObject({ requestIds: [], given: 1, omitted: 0 })
  })

  test('is the same one under the same Idempotency-Key', async () => {
    scene.model.nextAnswer({ tokens: ['Paris.'] })
    const options = { headers: { 'idempotency-key': newId() } }
    const [first, second] = [
      await openai().chat.completions.create(question, options),
      await openai().chat.completions.create(question, options),
    ]
    expect(second).toEqual(first)
    expect(requestIdOf(first.id)).toBe(options.headers['idempotency-key'])
    const other = openai().chat.completions.create({ ...question, model: 'council-full' }, options)
    expect(await openAiErrorOf(other)).toMatchObject({ status: 409, code: 'command_id_reused' })
  })
})

describe('a request that cannot be honoured', () => {
  test.each<[string, object, string, string | null]>([
    ['another model', { model: 'gpt-4' }, 'model_not_found', 'model'],
    ['no messages', { messages: undefined }, 'missing_required_parameter', 'messages'],
    ['messages that are no list', { messages: 'hello' }, 'invalid_type', 'messages'],
    ['a message that is none', { messages: ['hello'] }, 'invalid_type', 'messages[0]'],
    ['no question', { messages: [] }, 'unsupported_value', 'messages'],
    [
      'an answer in place of the question',
      { messages: [...messages, { role: 'assistant', content: 'Par' }] },
      'unsupported_value',
      'messages',
    ],
    [
      'a conversation that the assistant begins',
      { messages: [{ role: 'assistant', content: 'Hello!' }, ...messages] },
      'unsupported_value',
      'messages',
    ],
    [
      'an image',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }] },
      'unsupported_value',
      'messages[0]',
    ],
    ['the result of a tool', { messages: [{ role: 'tool', content: '{}' }] }, 'unsupported_value', 'messages[0]'],
    ['tools', { tools: [{ type: 'function' }] }, 'unsupported_parameter', 'tools'],
    ['several answers', { n: 2 }, 'unsupported_parameter', 'n'],
    ['probabilities', { logprobs: true }, 'unsupported_parameter', 'logprobs'],
    ['JSON', { response_format: { type: 'json_object' } }, 'unsupported_parameter', 'response_format'],
    ['a stop text', { stop: ['\n'] }, 'unsupported_parameter', 'stop'],
    ['a parameter that OpenAI does not have', { wisdom: 1 }, 'unknown_parameter', 'wisdom'],
    ['a stream that is none', { stream: 'yes' }, 'invalid_type', 'stream'],
    [
      'a question that is too long',
      { messages: [{ role: 'user', content: 'x'.repeat(16_001) }] },
      'context_length_exceeded',
      'messages',
    ],
    [
      'a conversation that is too long',
      { messages: [...messages, { role: 'assistant', content: 'x'.repeat(200_001) }, ...messages] },
      'context_length_exceeded',
      'messages',
    ],
  ])('with %s is refused', async (_, fields, code, param) => {
    const { status, headers, text } = await raw({ ...question, ...fields })
    expect([status, headers['x-should-retry']]).toEqual([code === 'model_not_found' ? 404 : 400, 'false'])
    expect(JSON.parse(text)).toEqual({
      error: { message: expect.stringMatching(/./), type: 'invalid_request_error', param, code },
    })
  })

  test('may have every parameter that only asks for wording, length or billing, and those that ask for nothing', async () => {
    const { status } = await raw({
      ...question,
      ...{ temperature: 0.7, top_p: 1, max_tokens: 5, seed: 1, user: 'anna', store: true, metadata: {}, n: 1 },
      ...{ tools: [], tool_choice: 'auto', stop: null, response_format: { type: 'text' }, logprobs: false },
    })
    expect(status).toBe(200)
  })

  test('is refused in the form of OpenAI also where the server itself refuses it', async () => {
    const typed = { message: expect.any(String), type: 'invalid_request_error', param: null }
    const malformed = await raw('{"model":')
    expect([malformed.status, JSON.parse(malformed.text)]).toEqual([
      400,
      { error: { ...typed, code: 'malformed_request' } },
    ])
    const large = await raw({ ...question, user: 'x'.repeat(1024 * 1024) })
    expect([large.status, JSON.parse(large.text)]).toEqual([413, { error: { ...typed, code: 'too_large' } }])
    const badKey = await raw(question, { 'idempotency-key': 'two words' })
    expect([badKey.status, JSON.parse(badKey.text)]).toEqual([400, { error: { ...typed, code: 'invalid_type' } }])
  })
})

describe('an answer that fails', () => {
  test('before its first text is an error with its status', async () => {
    scene.model.nextAnswer({ trap: rejection })
    const error = await openAiErrorOf(openai().chat.completions.create({ ...question, stream: true }))
    expect(error).toMatchObject({ status: 500, code: 'model_rejected', type: 'server_error' })
    expect(error.headers?.get('x-should-retry')).toBe('false')
  })

  test('in the middle of a stream ends it with an error, a finish reason and [DONE]', async () => {
    const answer = scene.model.nextAnswer({ gated: true })
    const asked = raw({ ...question, stream: true })
    await answer.emit('Par')
    await cancel((await answer.received).requestId)
    const { status, text } = await asked
    expect(status).toBe(200)
    expect(dataOf(text).slice(-3)).toEqual([
      {
        error: {
          message: 'the prompt was cancelled',
          type: 'invalid_request_error',
          param: null,
          code: 'prompt_cancelled',
        },
      },
      expect.objectContaining({ choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: 'error' }] }),
      '[DONE]',
    ])
  })

  test('with the server ends its stream, and can be read under its key from another server', async () => {
    const leaving = await serveCouncil(scene.settings, 'api')
    onTestFinished(leaving.kill)
    const answer = scene.model.nextAnswer({ gated: true })
    const headers = { 'idempotency-key': newId() }
    const asked = rawOpenAi(leaving, path, { ...question, stream: true }, headers)
    await answer.emit('Par')
    await expect.poll(() => scene.eventsOf(headers['idempotency-key'], /^ModelCallStarted$/)).toHaveLength(1)
    expect(await leaving.stop()).toBe(0)
    const { text } = await asked
    expect(dataOf(text).slice(-3)).toMatchObject([{ error: { code: 'stopping' } }, {}, '[DONE]'])
    await answer.emit('is.')
    await answer.finish()
    const completion = await openai().chat.completions.create(question, { headers })
    expect(completion.choices[0]?.message.content).toBe('Paris.')
  })

  test('throws in the client of OpenAI', async () => {
    const answer = scene.model.nextAnswer({ gated: true })
    const asked = openai().chat.completions.create({ ...question, stream: true })
    await answer.emit('Par')
    let text = ''
    const reading = (async () => {
      for await (const chunk of await asked) {
        text += chunk.choices[0]?.delta.content ?? ''
        if (text === 'Par') await cancel((await answer.received).requestId)
      }
    })()
    expect(await openAiErrorOf(reading)).toMatchObject({ code: 'prompt_cancelled' })
    expect(text).toBe('Par')
  })
})
