/**
 * What the council asks of a language model, whichever server or process runs it.
 * The orchestrator knows only this file; `vllm.ts` and `embedded.ts` implement it.
 */
export type ChatMessage = { role: 'system' | 'user' | 'assistant'; content: string }

export type ModelCall = {
  messages: readonly ChatMessage[]
  /** Text of the answer that already exists: the model goes on exactly behind it and returns only what is new. Empty for a fresh answer. */
  continueFrom: string
  maxTokens: number
  temperature: number
  /** Sent to the server (`X-Request-Id`) and written on every log line. Unique among calls in flight. */
  requestId: string
  /** W3C trace context of the caller, passed on to the server. */
  traceparent?: string
  /** Aborting closes the model server's socket (or stops the embedded model) at once; the stream then throws ModelError `model_cancelled`. */
  signal: AbortSignal
}

/** Real counts from the model, never from counting chunks. */
export type TokenUsage = { promptTokens: number; completionTokens: number }

export type ModelChunk =
  /** New text of the answer, never empty, never half a character. */
  | { type: 'text'; text: string }
  /** How much was used so far, as often as the model says so: what is billed when a stream is cut. */
  | { type: 'usage'; usage: TokenUsage }
  /** The last chunk of a stream that went well. */
  | { type: 'end'; finishReason: 'stop' | 'length'; usage: TokenUsage | 'unknown' }

export type ModelInfo = {
  /** The name under which prices are found and calls are recorded. */
  model: string
  kind: 'vllm' | 'embedded'
  contextTokens: number
}

export type ModelHealth = { status: 'pass'; info: ModelInfo } | { status: 'warn' | 'fail'; code: ModelErrorCode; message: string }

export interface ModelClient {
  /** Streams one answer. Ends with exactly one `end` chunk, or throws a ModelError. */
  stream: (call: ModelCall) => AsyncIterable<ModelChunk>
  /** Name, kind and window of the model; throws ModelError `model_unavailable` while there is none. */
  info: () => Promise<ModelInfo>
  /** An upper bound of the prompt tokens of a call: what a budget reserves. Never below the real count. */
  promptTokensAtMost: (messages: readonly ChatMessage[], continueFrom: string) => number
  /** The tokens of a prompt as the model's own tokenizer counts them, its chat template included. Throws ModelError where it cannot be asked. */
  countPromptTokens: (messages: readonly ChatMessage[], signal: AbortSignal) => Promise<number>
  health: () => Promise<ModelHealth>
  close: () => Promise<void>
}

export const modelErrorCodes = [
  'model_unavailable', // no model, no server, refused connection, 5xx before the first byte
  'model_overloaded', // our own cap on waiting calls, or the server's 429
  'model_unauthorized', // 401, 403
  'model_unknown', // 404: the server does not know this model
  'prompt_too_long', // does not fit into the model's window
  'model_rejected', // any other 4xx
  'model_interrupted', // the stream broke: cut socket, error object in mid-stream, finish_reason abort
  'model_timeout', // nothing came for longer than the limit
  'model_cancelled', // by the call's signal
] as const
export type ModelErrorCode = (typeof modelErrorCodes)[number]

/** Why a call failed: a stable code, a sentence that says what to do, and what was used as far as the model said. */
export class ModelError extends Error {
  readonly code: ModelErrorCode
  readonly usage: TokenUsage | 'unknown'

  constructor(code: ModelErrorCode, message: string, options: { cause?: unknown; usage?: TokenUsage | 'unknown' } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'ModelError'
    this.code = code
    this.usage = options.usage ?? 'unknown'
  }
}
