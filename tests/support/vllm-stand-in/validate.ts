import { z } from 'zod'
import { JsonSchema, type Constraint } from './constraint.ts'
import { countPrompt, type WireMessage } from './tokens.ts'

/**
 * Rejects the requests that vLLM 0.32 rejects, with its messages (tests/vectors/vllm). Answers unsupported requests
 * with 501.
 */
export type Refusal = { status: number; body: object }

export type ChatRequest = {
  model: string
  messages: WireMessage[]
  maxTokens: number
  temperature: number
  stream: boolean
  includeUsage: boolean
  continuousUsage: boolean
  continues: boolean
  promptTokens: number
  constraint?: Constraint
}

const ResponseFormat = z.looseObject({
  type: z.enum(['text', 'json_object', 'json_schema', 'structural_tag']),
  json_schema: z.looseObject({ name: z.string(), schema: z.looseObject({}).optional() }).nullish(),
})

const Body = z.looseObject({
  model: z.string().optional(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.string() })).optional(),
  max_tokens: z.number().nullish(),
  max_completion_tokens: z.number().nullish(),
  temperature: z.number().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z
    .looseObject({ include_usage: z.boolean().default(true), continuous_usage_stats: z.boolean().default(false) })
    .nullish(),
  continue_final_message: z.boolean().default(false),
  add_generation_prompt: z.boolean().default(true),
  response_format: ResponseFormat.nullish(),
  structured_outputs: z.looseObject({ choice: z.array(z.string()).nullish() }).nullish(),
})
type Body = z.infer<typeof Body>

/** Parameters whose effect the stand-in does not support. */
const notPlayed = ['tools', 'tool_choice', 'logprobs', 'n', 'echo', 'stop'] as const

export const engineError = (status: number, type: string, message: string, param: string | null = null): Refusal => ({
  status,
  body: { error: { message, type, param, code: status } },
})
const badRequest = (message: string, param: string | null = null) => engineError(400, 'BadRequestError', message, param)
const invalid = (issue: string, param: string | null) =>
  engineError(400, 'Bad Request', `1 validation error:\n  ${issue}`, param)

export type Served = { model: string; maxModelLen: number }

/** The text of a message in the chat template. */
type Template = { trims: boolean }

export function parseChat(
  contentType: string | undefined,
  raw: string,
  served: Served & Template,
): ChatRequest | Refusal {
  if (!(contentType ?? '').includes('application/json'))
    return invalid("Unsupported Media Type: Only 'application/json' is allowed", null)
  const json = parseJson(raw)
  if ('status' in json) return json
  const parsed = Body.safeParse(json.value)
  if (!parsed.success) return invalid(z.prettifyError(parsed.error), 'body')
  const body = parsed.data

  const played = notPlayed.find((name) => body[name] !== undefined && body[name] !== null)
  if (played !== undefined)
    return engineError(501, 'NotImplementedError', `this stand-in for vLLM does not play "${played}"`, played)
  if (body.messages === undefined) {
    const fields = Object.keys(body).filter(
      (key) => !['continue_final_message', 'add_generation_prompt'].includes(key),
    ).length
    return invalid(
      `{'type': 'missing', 'loc': 'body.messages', 'msg': 'Field required', 'input': '<dict of ${fields} items>'}`,
      'body.messages',
    )
  }
  const model = body.model ?? ''
  if (model !== '' && model !== served.model) {
    return engineError(
      404,
      'NotFoundError',
      `The model \`${model}\` does not exist. Valid aliases: ${served.model}.`,
      'model',
    )
  }
  const messages = served.trims
    ? body.messages.map((message) => ({ ...message, content: message.content.trim() }))
    : body.messages
  return check(body, messages, served)
}

function check(body: Body, messages: WireMessage[], served: Served): ChatRequest | Refusal {
  if (messages.length === 0)
    return badRequest('Cannot apply chat template to an empty conversation. Provide at least one message.')
  const stream = body.stream ?? false
  if (body.stream_options && !stream)
    return badRequest(
      'Stream options can only be defined when `stream=True`. (parameter=stream_options)',
      'stream_options',
    )
  if (body.continue_final_message && body.add_generation_prompt) {
    return badRequest('Cannot set both `continue_final_message` and `add_generation_prompt` to True.')
  }
  const constraint = constraintOf(body)
  if (constraint && 'status' in constraint) return constraint

  const { maxModelLen } = served
  const promptTokens = countPrompt(messages, body.continue_final_message)
  const asked = body.max_completion_tokens ?? body.max_tokens ?? Math.max(1, maxModelLen - promptTokens)
  const temperature = body.temperature ?? 1
  if (promptTokens > maxModelLen) {
    const least = maxModelLen + 1
    return badRequest(
      `This model's maximum context length is ${maxModelLen} tokens. However, your prompt contains at least ${least} input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=${least})`,
      'input_tokens',
    )
  }
  if (asked > maxModelLen) {
    return badRequest(
      `max_tokens=${asked} cannot be greater than max_model_len=${maxModelLen}. Please request fewer output tokens. (parameter=max_tokens, value=${asked})`,
      'max_tokens',
    )
  }
  if (asked < 1)
    return badRequest(
      `max_tokens must be at least 1, got ${asked}. (parameter=max_tokens, value=${asked})`,
      'max_tokens',
    )
  if (temperature < 0) {
    const said = Number.isInteger(temperature) ? temperature.toFixed(1) : String(temperature)
    return badRequest(
      `temperature must be non-negative, got ${said}. (parameter=temperature, value=${said})`,
      'temperature',
    )
  }
  return {
    model: served.model,
    messages,
    // A max_tokens beyond the rest of the window is silently reduced.
    maxTokens: Math.max(1, Math.min(asked, maxModelLen - promptTokens)),
    temperature,
    stream,
    includeUsage: body.stream_options?.include_usage ?? false,
    continuousUsage: body.stream_options?.continuous_usage_stats ?? false,
    continues: body.continue_final_message,
    promptTokens,
    ...(constraint && { constraint }),
  }
}

/** The constraint of a request. The `guided_…` fields of older releases are ignored, as recorded. */
function constraintOf({
  response_format: format,
  structured_outputs: outputs,
}: Body): Constraint | Refusal | undefined {
  const other = Object.keys(outputs ?? {}).find((key) => key !== 'choice')
  if (other !== undefined || format?.type === 'structural_tag')
    return engineError(
      501,
      'NotImplementedError',
      `this stand-in for vLLM does not play "${other ?? 'structural_tag'}"`,
    )
  const choices = outputs?.choice
  if (choices?.length === 0) return badRequest("Choice '[]' cannot be an empty list")
  if (outputs && !choices) return wrongKinds('You must use one kind', 'but none are specified', 'None', 'None')
  if (!format || format.type === 'text') return choices ? { choices } : undefined
  if (choices) {
    const quoted = `[${choices.map((choice) => `'${choice}'`).join(', ')}]`
    return wrongKinds('You can only use one kind', 'but multiple are specified', quoted, 'True')
  }
  if (format.type === 'json_object') return { schema: { type: 'object' } }
  if (!format.json_schema) {
    const missing = "When response_format type is 'json_schema', the 'json_schema' field must be provided."
    return badRequest(`${missing} (parameter=response_format)`, 'response_format')
  }
  const { schema } = format.json_schema
  const fault = grammarFault(schema)
  return fault === undefined ? { schema: JsonSchema.parse(schema) } : badRequest(`Grammar error: ${fault}`)
}

/** The recorded refusal of none or several kinds of constraint, with the fields as Python prints them. */
const wrongKinds = (demand: string, fault: string, choice: string, jsonObject: string): Refusal =>
  badRequest(
    `${demand} of structured outputs constraint ${fault}: {'json': None, 'regex': None, 'choice': ${choice}, 'grammar': None, 'json_object': ${jsonObject}, 'disable_any_whitespace': False, 'disable_additional_properties': False, 'whitespace_pattern': None, 'structural_tag': None, '_backend': None, '_backend_was_auto': False}`,
  )

function parseJson(raw: string): { value: unknown } | Refusal {
  try {
    return { value: JSON.parse(raw) }
  } catch {
    const at = raw.length
    return invalid(
      `{'type': 'json_invalid', 'loc': 'body.${at}', 'msg': 'JSON decode error', 'input': '<dict of 0 items>', 'ctx': {'error': 'Expecting property name enclosed in double quotes'}}`,
      `body.${at}`,
    )
  }
}

/** The two recorded faults of a JSON schema. */
function grammarFault(schema: unknown): string | undefined {
  const text = JSON.stringify(schema ?? null)
  if (text.includes('"uniqueItems"')) return 'Unimplemented keys: ["uniqueItems"]'
  const type = /"type":"(nonsense)"/.exec(text)?.[1]
  return type === undefined ? undefined : `Invalid type: ${type}`
}
