import { requestError, type OpenAiError } from './errors.ts'

/** The parameters of a route, besides those that it reads. */
export type Parameters = {
  read: readonly string[]
  /** They change at most how an answer is worded, how long it is or how it is billed: the council decides that itself. */
  ignored: readonly string[]
  /** They would change what the answer is. Each may have a value that asks for nothing. */
  refused: Readonly<Record<string, (value: unknown) => boolean>>
}

const isEmpty = (value: unknown): boolean =>
  value === '' ||
  (Array.isArray(value) && value.length === 0) ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
const is =
  (...neutral: readonly unknown[]) =>
  (value: unknown): boolean =>
    neutral.includes(value)
const never = (): boolean => false
const isPlainText = (format: unknown): boolean =>
  typeof format === 'object' && format !== null && 'type' in format && format.type === 'text'
const isTextOnly = (modalities: unknown): boolean => Array.isArray(modalities) && modalities.join() === 'text'
/** In the Responses API, `text` has the format and the verbosity. */
const hasPlainText = (text: unknown): boolean =>
  typeof text === 'object' && text !== null && (!('format' in text) || isPlainText(text.format))

const ignoredByBoth = [
  ...['temperature', 'top_p', 'user', 'safety_identifier', 'metadata', 'store', 'service_tier'],
  ...['prompt_cache_key', 'prompt_cache_retention', 'parallel_tool_calls'],
]
const refusedByBoth = { tools: isEmpty, tool_choice: is('none', 'auto'), top_logprobs: is(0) }

export const chatParameters: Parameters = {
  read: ['model', 'messages', 'stream', 'stream_options'],
  ignored: [
    ...ignoredByBoth,
    ...['max_tokens', 'max_completion_tokens', 'presence_penalty', 'frequency_penalty', 'seed'],
    ...['reasoning_effort', 'verbosity'],
  ],
  refused: {
    ...refusedByBoth,
    n: is(1),
    stop: isEmpty,
    functions: isEmpty,
    function_call: is('none', 'auto'),
    response_format: isPlainText,
    modalities: isTextOnly,
    logprobs: is(false),
    logit_bias: isEmpty,
    ...{ audio: never, prediction: never, web_search_options: never, moderation: never },
  },
}

export const responsesParameters: Parameters = {
  read: ['model', 'input', 'instructions', 'stream'],
  ignored: [...ignoredByBoth, 'max_output_tokens', 'reasoning', 'truncation', 'stream_options'],
  refused: {
    ...refusedByBoth,
    text: hasPlainText,
    include: isEmpty,
    background: is(false),
    ...{ previous_response_id: never, conversation: never, prompt: never, max_tool_calls: never },
  },
}

/** The first parameter that cannot be honoured; null if there is none. A parameter that is null asks for nothing. */
export function parameterFault(
  body: Readonly<Record<string, unknown>>,
  { read, ignored, refused }: Parameters,
): OpenAiError | null {
  for (const [name, value] of Object.entries(body)) {
    if (value === null || read.includes(name) || ignored.includes(name)) continue
    const asksForNothing = Object.hasOwn(refused, name) ? refused[name] : undefined
    if (!asksForNothing) return requestError('unknown_parameter', name, `there is no parameter ${name.slice(0, 100)}`)
    if (!asksForNothing(value))
      return requestError('unsupported_parameter', name, `the council does not support this value of ${name}`)
  }
  return null
}
