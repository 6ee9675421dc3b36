import { z } from 'zod'
import type { Operation } from './operation.ts'

/** The parts of OpenAI's shapes that the council reads and writes; docs/openai.md says what becomes of the rest. */

const ModelName = z.enum(['council', 'council-fast', 'council-full']).meta({ id: 'ModelName' })
const Model = z
  .object({ id: ModelName, object: z.literal('model'), created: z.int(), owned_by: z.string() })
  .meta({ id: 'Model' })

const Message = z
  .looseObject({
    role: z.enum(['system', 'developer', 'user', 'assistant']),
    content: z.union([
      z.string(),
      z.array(z.looseObject({ type: z.enum(['text', 'input_text', 'output_text']), text: z.string() })),
    ]),
  })
  .meta({ id: 'Message' })

const stream = z.boolean().optional().meta({ description: 'Answers with server-sent events.' })
const ChatRequest = z
  .looseObject({
    model: ModelName,
    messages: z.array(Message).min(1).meta({ description: 'The last one is the question, of the user.' }),
    stream,
    stream_options: z.looseObject({ include_usage: z.boolean().optional() }).optional(),
  })
  .meta({ id: 'ChatCompletionRequest' })
const ChatCompletion = z
  .object({
    id: z.string(),
    object: z.literal('chat.completion'),
    created: z.int(),
    model: ModelName,
    choices: z.array(
      z.object({
        index: z.int(),
        message: z.object({ role: z.literal('assistant'), content: z.string(), refusal: z.null() }),
        logprobs: z.null(),
        finish_reason: z.enum(['stop', 'length']),
      }),
    ),
    usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() }),
  })
  .meta({ id: 'ChatCompletion' })

const ResponseRequest = z
  .looseObject({
    model: ModelName,
    input: z.union([z.string(), z.array(Message).min(1)]),
    instructions: z.string().nullable().optional(),
    stream,
  })
  .meta({ id: 'ResponseRequest' })
const Response = z
  .looseObject({
    id: z.string(),
    object: z.literal('response'),
    created_at: z.int(),
    status: z.enum(['completed', 'incomplete']),
    model: ModelName,
    output: z.array(z.looseObject({ type: z.literal('message'), role: z.literal('assistant') })),
    usage: z.looseObject({ input_tokens: z.int(), output_tokens: z.int(), total_tokens: z.int() }),
  })
  .meta({ id: 'Response' })

const common = { tag: 'OpenAI-compatible', isOpenAi: true } as const
const headers = {
  'Idempotency-Key': {
    schema: z.string().regex(/^[\x21-\x7e]{1,128}$/),
    isRequired: false,
    about: 'The same request under the same key is the same prompt.',
  },
}
const answered = { headers: ['X-Council-Request-Id'], hasStream: true } as const

export const openAiOperations: readonly Operation[] = [
  {
    ...common,
    method: 'get',
    path: '/v1/models',
    summary: 'The names under which the council answers.',
    scope: 'chat:read',
    answers: { 200: { about: 'The models.', body: z.object({ object: z.literal('list'), data: z.array(Model) }) } },
  },
  {
    ...common,
    method: 'get',
    path: '/v1/models/:model',
    summary: 'One of these names.',
    scope: 'chat:read',
    id: z.string(),
    answers: { 200: { about: 'The model.', body: Model } },
  },
  {
    ...common,
    method: 'post',
    path: '/v1/chat/completions',
    summary: "Asks the council in the form of OpenAI's chat completions.",
    scope: 'chat:send',
    headers,
    body: ChatRequest,
    answers: { 200: { ...answered, about: 'The answer.', body: ChatCompletion } },
  },
  {
    ...common,
    method: 'post',
    path: '/v1/responses',
    summary: "Asks the council in the form of OpenAI's responses.",
    scope: 'chat:send',
    headers,
    body: ResponseRequest,
    answers: { 200: { ...answered, about: 'The answer.', body: Response } },
  },
]
