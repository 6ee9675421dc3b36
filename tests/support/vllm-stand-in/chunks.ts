import type { ChatRequest } from './validate.ts'

/** The events of one streamed answer, field by field as recorded from vLLM 0.32. */
export type ChunkWriter = {
  role: () => object
  delta: (delta: object, ending?: Ending) => object
  /** The chunk before `[DONE]`, if usage was requested. */
  usage: () => object
  /** Counts one generated token. */
  count: () => void
}

export type Ending = { finishReason: string; stopReason: string | null; isLast: boolean }

const fingerprint = 'vllm-0.32.0-standin0'

export function createChunks(
  request: ChatRequest,
  id: string,
  created: number,
  continuousUsage: boolean,
  finalUsage?: unknown,
): ChunkWriter {
  let completionTokens = 0
  const { promptTokens } = request
  const frame = { id, object: 'chat.completion.chunk', created, model: request.model }
  const amounts = () => ({
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + completionTokens,
    completion_tokens: completionTokens,
  })
  const running = () => (continuousUsage ? { usage: { ...amounts(), completion_tokens_details: null } } : {})
  return {
    role: () => ({
      ...frame,
      choices: [{ index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }],
      ...running(),
      prompt_token_ids: null,
      prompt_text: null,
    }),
    delta: (delta, ending) => {
      const end = ending
        ? { finish_reason: ending.finishReason, stop_reason: ending.stopReason }
        : { finish_reason: null }
      const mark = ending?.isLast === true ? { system_fingerprint: fingerprint } : {}
      return {
        ...frame,
        choices: [{ index: 0, delta, logprobs: null, ...end, token_ids: null }],
        ...running(),
        ...mark,
      }
    },
    usage: () => ({
      ...frame,
      choices: [],
      usage: finalUsage === undefined ? amounts() : finalUsage,
      system_fingerprint: fingerprint,
    }),
    count: () => {
      completionTokens += 1
    },
  }
}

/** The answer of a request without `stream`. */
export function completion(
  request: ChatRequest,
  id: string,
  created: number,
  tokens: readonly string[],
  finishReason: 'stop' | 'length',
): object {
  const completionTokens = tokens.length + (finishReason === 'stop' ? 1 : 0)
  const message = {
    role: 'assistant',
    content: tokens.join(''),
    refusal: null,
    annotations: null,
    audio: null,
    function_call: null,
    reasoning: null,
  }
  return {
    id,
    object: 'chat.completion',
    created,
    model: request.model,
    choices: [
      {
        index: 0,
        message,
        logprobs: null,
        finish_reason: finishReason,
        stop_reason: null,
        token_ids: null,
        routed_experts: null,
      },
    ],
    service_tier: null,
    system_fingerprint: fingerprint,
    usage: {
      prompt_tokens: request.promptTokens,
      total_tokens: request.promptTokens + completionTokens,
      completion_tokens: completionTokens,
      prompt_tokens_details: null,
      completion_tokens_details: null,
    },
    prompt_logprobs: null,
    prompt_token_ids: null,
    prompt_text: null,
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: null,
  }
}
