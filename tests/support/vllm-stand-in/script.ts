/** What a test may tell the stand-in to answer, and every way in which the real server or the network was seen to go wrong. */
export type AnswerScript = {
  /** The deltas of the answer, one event each. An empty one is what a token inside a character looks like. */
  tokens?: readonly string[]
  /** `stop` adds the model's own end as an event with an empty delta, `length` is said on the last token: as vLLM does. */
  finishReason?: 'stop' | 'length'
  /** A stop string was met: it is named on the last token and no end of the model's own follows. */
  stopReason?: string
  /** Tokens come only when the test emits them, see `Answer.emit`. */
  gated?: boolean
  tokensPerSecond?: number
  /** What the last chunk says of usage, instead of the counts. Null: a server that counts nothing. */
  finalUsage?: unknown
  /** How the bytes are cut and written, see `Wire`. */
  wire?: Wire
  trap?: Trap
}

/** Forms of the same stream that a parser of server-sent events must not mind. */
export type Wire = {
  /** `\n` when not given. */
  lineEnd?: '\n' | '\r\n' | '\r'
  /** `data:{…}` instead of `data: {…}`. */
  noSpace?: boolean
  /** Writes the whole answer in pieces of this many bytes, wherever that cuts. */
  pieceBytes?: number
  /** A comment line before each event. */
  comments?: boolean
}

export type Trap =
  /** Instead of the stream: an error of the server, the web layer or a proxy. */
  | { kind: 'status'; status: number; body: string; contentType?: string }
  /** 200 with something that is not an event stream. */
  | { kind: 'not-a-stream'; body: string; contentType: string }
  /** The request is read and the socket closed without a word. */
  | { kind: 'reset' }
  /** The request is read and nothing comes. */
  | { kind: 'no-answer' }
  /** Headers come, and nothing else: how a long queue or prefill looks. */
  | { kind: 'silent-prefill' }
  | InStream

/** These strike after so many tokens, or where the finish reason would stand when that is not given. */
export type InStream = { afterTokens?: number } & (
  | { kind: 'cut-socket' }
  /** The body ends as HTTP says, but without finish reason and `[DONE]`. */
  | { kind: 'early-end' }
  /** An error object and then `[DONE]`: a dying engine, as recorded. */
  | { kind: 'error-object'; shape?: 'nested' | 'flat' | 'string' }
  /** The engine gave up, and vLLM dresses that as a success. */
  | { kind: 'abort-finish' }
  | { kind: 'other-finish'; reason: string }
  | { kind: 'no-finish' }
  | { kind: 'no-done' }
  | { kind: 'stall' }
  /** One event with this text after `data: `. */
  | { kind: 'event'; data: string }
  /** Bytes of any kind in between. */
  | { kind: 'bytes'; bytes: Uint8Array }
  /** Deltas that are no text: reasoning, tool calls, null. */
  | { kind: 'deltas'; deltas: readonly object[] }
  /** The same bytes again and again, in step with a clock, until the client leaves: comments, empty deltas, tokens. */
  | { kind: 'repeat'; bytes: string; everyMs: number }
  /** Tokens without end. */
  | { kind: 'endless'; token: string }
  | { kind: 'no-usage' }
  | { kind: 'no-continuous-usage' }
  /** `[DONE]` comes but the body is never ended. */
  | { kind: 'held-open' }
)
