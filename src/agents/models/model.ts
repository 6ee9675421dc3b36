import { CodedError } from '../../platform/coded-error.ts'

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

/** Counts of tokens. They come from the model, never from counting chunks. */
export type TokenUsage = { promptTokens: number; completionTokens: number }

/** What a model says of its usage, unchecked: any number, or null where it says nothing or no number. `UsageMeter` judges it. */
export type UsageReport = { promptTokens: number | null; completionTokens: number | null }

export type ModelChunk =
  /** New text of the answer as the model sent it: never empty, but it may end in half a character (`AnswerText` makes it whole). */
  | { type: 'text'; text: string }
  /** The model thinks: no part of the answer, but paid for, and a sign of progress. */
  | { type: 'reasoning'; text: string }
  /** How much was used so far, whenever the model says something new. It comes before the text that it counts. */
  | { type: 'usage'; usage: UsageReport }
  /** The last chunk of an answer that is finished. `degraded`: it ended in an unusual way. */
  | { type: 'end'; finishReason: 'stop' | 'length'; degraded: boolean }

export type ModelInfo = {
  /** The name under which prices are found and calls are recorded. */
  model: string
  /** The name of the provider. */
  kind: string
  contextTokens: number
}

export type ModelHealth =
  { status: 'pass'; info: ModelInfo } | { status: 'warn' | 'fail'; code: ModelErrorCode; message: string }

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
  'model_timeout', // no progress for longer than the limit
  'empty_answer', // the model finished without a word of an answer
  'answer_filtered', // the server held the answer back
  'model_cancelled', // by the call's signal
] as const
export type ModelErrorCode = (typeof modelErrorCodes)[number]

/** Why a call failed: a stable code, and a sentence that says what to do. What was used until then came as `usage` chunks. */
export class ModelError extends CodedError<ModelErrorCode> {
  /** The call ended before the client sent anything to a model, so it cost nothing. */
  readonly neverSent: boolean

  constructor(
    code: ModelErrorCode,
    message: string,
    { cause, neverSent = false }: { cause?: unknown; neverSent?: boolean } = {},
  ) {
    super(code, message, cause)
    this.neverSent = neverSent
  }
}
