import { z } from 'zod'
import type { ChatMessage, ModelCall, OutputConstraint, UsageReport } from '../model.ts'

/**
 * The part of vLLM's OpenAI-compatible protocol that the council uses: request bodies and response schemas.
 * Unknown fields are ignored, because every release adds some; the fields named here must be valid.
 */

/** The body of `POST /v1/chat/completions`. A continuation sends the existing text as an unfinished last message. */
export function chatRequest(call: ModelCall, model: string) {
  const common = {
    model,
    max_tokens: call.maxTokens,
    temperature: call.temperature,
    stream: true,
    stream_options: { include_usage: true, continuous_usage_stats: true },
    ...(call.constraint && constraintFields(call.constraint)),
  }
  if (call.continueFrom === '') return { ...common, messages: call.messages }
  return {
    ...common,
    messages: [...call.messages, { role: 'assistant', content: call.continueFrom }],
    continue_final_message: true,
    add_generation_prompt: false,
  }
}

/** vLLM ignores the `guided_…` fields of its releases before 0.12. */
const constraintFields = (constraint: OutputConstraint) =>
  'choices' in constraint
    ? { structured_outputs: { choice: constraint.choices } }
    : {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'output', schema: constraint.jsonSchema, strict: true },
        },
      }

/** The body of `POST /tokenize` for the prompt of an answer. */
export const tokenizeRequest = (messages: readonly ChatMessage[], model: string) => ({
  model,
  messages,
  add_generation_prompt: true,
})

export const Tokenized = z.object({ count: z.int().nonnegative() })

const figure = z.number().nullable().catch(null)
/** A malformed usage must not break the answer: anything but a number becomes null, and `UsageMeter` checks the rest. */
const Usage = z
  .object({
    prompt_tokens: figure,
    completion_tokens: figure,
    // Only with --enable-prompt-tokens-details; null otherwise.
    prompt_tokens_details: z.object({ cached_tokens: figure.optional() }).nullish().catch(null),
  })
  .catch({ prompt_tokens: null, completion_tokens: null, prompt_tokens_details: null })
  .transform((usage): UsageReport => {
    const cachedPromptTokens = usage.prompt_tokens_details?.cached_tokens
    return {
      promptTokens: usage.prompt_tokens,
      ...(typeof cachedPromptTokens === 'number' && { cachedPromptTokens }),
      completionTokens: usage.completion_tokens,
    }
  })

/** One event of the stream. The usage chunk has no choices. Tool calls are in delta fields that the client ignores. */
export const StreamChunk = z.object({
  choices: z
    .array(
      z.object({
        index: z.int().nullish(),
        delta: z
          .object({
            content: z.string().nullish(),
            reasoning: z.string().nullish().catch(null),
            reasoning_content: z.string().nullish().catch(null),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: Usage.optional(),
})
export type StreamChunk = z.infer<typeof StreamChunk>

/** The response of `GET /v1/models`. A LoRA adapter has no window of its own but names its parent. */
export const ModelList = z.object({
  data: z.array(
    z.object({
      id: z.string().min(1).max(500),
      max_model_len: z.int().positive().nullish(),
      parent: z.string().nullish(),
    }),
  ),
})
export type ModelList = z.infer<typeof ModelList>

/** An error message of a server, whatever the shape of the body. `status`: the HTTP status that it names, if any. */
export type Problem = { message: string; param: string; from: 'engine' | 'web'; status: number | null }

const text = z.string().nullish().catch(null)
const Nested = z.object({ error: z.object({ message: text, param: text, code: figure }) })
const StringError = z.object({ error: z.string() })
const Flat = z.object({ object: z.literal('error'), message: text, param: text, code: figure })
const Detail = z.object({ detail: z.unknown() })

/**
 * Recognises an error body: `{error: {…}}`, `{error: "Unauthorized"}`, the flat shape of older releases, or `{detail}` of the web
 * layer. Returns undefined for any other body.
 */
export function problemIn(body: unknown): Problem | undefined {
  if (!mayBeProblem(body)) return undefined
  const nested = Nested.safeParse(body)
  if (nested.success) return engineProblem(nested.data.error)
  const plain = StringError.safeParse(body)
  if (plain.success) return { message: shortened(plain.data.error), param: '', from: 'engine', status: null }
  const flat = Flat.safeParse(body)
  if (flat.success) return engineProblem(flat.data)
  const detail = Detail.safeParse(body)
  if (!detail.success) return undefined
  const said = detail.data.detail
  const message = shortened(typeof said === 'string' ? said : JSON.stringify(said))
  return { message, param: '', from: 'web', status: null }
}

/** Whether a body has a field of any of these shapes. It spares every token four failed attempts at parsing. */
const mayBeProblem = (body: unknown): boolean =>
  typeof body === 'object' &&
  body !== null &&
  ('error' in body || 'detail' in body || ('object' in body && body.object === 'error'))

const engineProblem = (error: z.infer<typeof Nested>['error']): Problem => ({
  message: shortened(error.message ?? 'no reason given'),
  param: error.param ?? '',
  from: 'engine',
  status: error.code,
})

/** Cuts text of a server to a few lines, because it goes into messages and logs. */
export const shortened = (said: string): string => (said.length > 500 ? `${said.slice(0, 500)}…` : said)
