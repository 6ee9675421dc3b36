import { CodedError } from '../../platform/coded-error.ts'

/**
 * The contract of model clients, whichever server or process runs the model.
 * The orchestrator depends only on this file; `vllm/client.ts` and `embedded/client.ts` implement it.
 */
export type ChatMessage = { role: 'system' | 'user' | 'assistant'; content: string }

/**
 * How the new text of a call is constrained: to one of a few texts, or to JSON of a schema where there would be too many texts.
 * The caller still parses the text: one that ends with `length` is cut, and a model that cannot be constrained ignores the constraint.
 * A schema must not use `uniqueItems`, which vLLM rejects. `distinct` says that a list of texts from an `enum` has none twice: the
 * embedded model obeys it, vLLM ignores it.
 */
export type OutputConstraint = { choices: readonly string[] } | { jsonSchema: object; distinct?: true }

export type ModelCall = {
  messages: readonly ChatMessage[]
  /** The existing text of the answer. The model continues it and returns only new text. Empty for a fresh answer. */
  continueFrom: string
  maxTokens: number
  temperature: number
  constraint?: OutputConstraint
  /** Sent to the server (`X-Request-Id`) and part of every log line. Unique among calls in flight. */
  requestId: string
  /** W3C trace context of the caller, passed on to the server. */
  traceparent?: string
  /** Aborting closes the model server's socket, or stops the embedded model, at once. The stream then throws ModelError `model_cancelled`. */
  signal: AbortSignal
}

/** Token counts of the model. Chunks are never counted instead. `cachedPromptTokens` are a part of `promptTokens`. */
export type TokenUsage = { promptTokens: number; cachedPromptTokens?: number; completionTokens: number }

/** The usage as a model reports it, unchecked: any number, or null if it is missing or no number. `UsageMeter` checks it. */
export type UsageReport = {
  promptTokens: number | null
  /** Absent: the model says nothing about its cache. */
  cachedPromptTokens?: number
  completionTokens: number | null
}

export type ModelChunk =
  /** New text of the answer. It is never empty, but may end in half a character (`AnswerText` completes it). */
  | { type: 'text'; text: string }
  /** Reasoning: not part of the answer, but paid for, and a sign of progress. */
  | { type: 'reasoning'; text: string }
  /** The usage so far, whenever the model reports a change. It precedes the text that it counts. */
  | { type: 'usage'; usage: UsageReport }
  /** The last chunk of a finished answer. `degraded`: it ended in an unusual way. */
  | { type: 'end'; finishReason: 'stop' | 'length'; degraded: boolean }

export type ModelInfo = {
  /** The name by which prices are found and calls recorded. */
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
  /** Name, kind and window of the model; throws ModelError `model_unavailable` while no model is available. */
  info: () => Promise<ModelInfo>
  /** An upper bound of the prompt tokens of a call, for its reservation. Never below the real count. */
  promptTokensAtMost: (messages: readonly ChatMessage[], continueFrom: string) => number
  /** Counts the tokens of a prompt, chat template included, with the model's own tokenizer. Throws ModelError if that is unavailable. */
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
  'model_interrupted', // the stream broke: closed socket, error object in mid-stream, finish_reason abort
  'model_timeout', // no progress for longer than the limit
  'empty_answer', // the model finished without any text
  'answer_filtered', // the server withheld the answer
  'model_cancelled', // by the call's signal
] as const
export type ModelErrorCode = (typeof modelErrorCodes)[number]

/** For `catch`: null for a failure of the model; anything else is a defect and is thrown on. */
export function unlessModelError(error: unknown): null {
  if (error instanceof ModelError) return null
  throw error
}

/** Why a call failed: a stable code, and a message with advice. The usage until then was reported in `usage` chunks. */
export class ModelError extends CodedError<ModelErrorCode> {
  /** The client sent nothing to a model, so the call cost nothing. */
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
