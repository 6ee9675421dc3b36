/** The scripted answer of the stand-in, with every observed fault of the real server or the network. */
export type AnswerScript = {
  /** The deltas of the answer, one event each. A token inside a character has an empty delta. */
  tokens?: readonly string[]
  /** As in vLLM, `stop` adds an event with an empty delta, and `length` is part of the last token's event. */
  finishReason?: 'stop' | 'length'
  /** A stop string was generated: the last token's event names it, and no event for the model's own stop follows. */
  stopReason?: string
  /** Sends tokens only when the test emits them, see `Answer.emit`. */
  gated?: boolean
  /** Tokens are due at this rate from the start of the answer on, however late one of them was. */
  tokensPerSecond?: number
  /** Completes a token at the moment it is sent, for example with the time. Usage counts the token alone. */
  complete?: (token: string) => string
  /** Replaces the usage of the last chunk. Null: the server reports no usage. */
  finalUsage?: unknown
  /** How the bytes are formatted and split, see `Wire`. */
  wire?: Wire
  trap?: Trap
}

/** Variants of the same stream that a parser of server-sent events must accept. */
export type Wire = {
  /** By default `\n`. */
  lineEnd?: '\n' | '\r\n' | '\r'
  /** `data:{…}` instead of `data: {…}`. */
  noSpace?: boolean
  /** Splits the whole answer into pieces of this many bytes. */
  pieceBytes?: number
  /** A comment line before each event. */
  comments?: boolean
}

export type Trap =
  /** Sends an error of the server, the web layer or a proxy instead of the stream. */
  | { kind: 'status'; status: number; body: string; contentType?: string }
  /** Sends 200 with a body that is no event stream. */
  | { kind: 'not-a-stream'; body: string; contentType: string }
  /** Reads the request and closes the socket. */
  | { kind: 'reset' }
  /** Reads the request and sends nothing. */
  | { kind: 'no-answer' }
  /** Sends only headers, as during a long queue or prefill. */
  | { kind: 'silent-prefill' }
  | InStream

/** Faults after `afterTokens` tokens, by default in place of the finish reason. */
export type InStream = { afterTokens?: number } & (
  | { kind: 'cut-socket' }
  /** Ends the body properly, but without finish reason and `[DONE]`. */
  | { kind: 'early-end' }
  /** Sends an error object and then `[DONE]`: a dying engine, as recorded. */
  | { kind: 'error-object'; shape?: 'nested' | 'flat' | 'string' }
  /** The engine gives up, and vLLM reports a success. */
  | { kind: 'abort-finish' }
  | { kind: 'other-finish'; reason: string }
  | { kind: 'no-finish' }
  | { kind: 'no-done' }
  | { kind: 'stall' }
  /** Sends one event with this text after `data: `. */
  | { kind: 'event'; data: string }
  /** Inserts arbitrary bytes. */
  | { kind: 'bytes'; bytes: Uint8Array }
  /** Sends deltas without text: reasoning, tool calls, null. */
  | { kind: 'deltas'; deltas: readonly object[] }
  /** Repeats the same bytes (comments, empty deltas, tokens) at an interval until the client disconnects. */
  | { kind: 'repeat'; bytes: string; everyMs: number }
  /** Sends tokens forever. */
  | { kind: 'endless'; token: string }
  | { kind: 'no-usage' }
  | { kind: 'no-continuous-usage' }
  /** Sends `[DONE]` but never ends the body. */
  | { kind: 'held-open' }
)

/** vLLM's answer to a request that it refuses. */
export const rejection: Trap = {
  kind: 'status',
  status: 400,
  body: '{"error":{"message":"no","type":"BadRequestError","param":null,"code":400}}',
}
