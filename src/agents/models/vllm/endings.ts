/**
 * The meaning of the end of a stream: one table over the finish reason, `[DONE]` and the presence of text. A finished answer is never
 * continued, and an answer without text is never a success.
 */

/** All finish reasons. `other`: the empty string or an unknown reason. `none`: the server sent none. */
export const finishReasons = [
  'stop',
  'length',
  'tool_calls',
  'function_call',
  'content_filter',
  'abort',
  'error',
  'other',
  'none',
] as const
export type FinishReason = (typeof finishReasons)[number]

/** The content of the whole answer, including the part before a continuation. */
export type AnswerContent = 'text' | 'reasoning' | 'nothing'

export type StreamEnding =
  | { kind: 'completed'; finishReason: 'stop' | 'length'; degraded: boolean }
  | { kind: 'failed'; code: 'empty_answer' | 'answer_filtered' }
  /** The answer is unfinished and may be continued. */
  | { kind: 'interrupted' }

type Row = Readonly<Record<AnswerContent, StreamEnding>>

const completed = (finishReason: 'stop' | 'length', { degraded } = { degraded: false }): StreamEnding => ({
  kind: 'completed',
  finishReason,
  degraded,
})
const failed = (code: 'empty_answer' | 'answer_filtered'): StreamEnding => ({ kind: 'failed', code })
const whole = (text: StreamEnding): Row => ({
  text,
  reasoning: failed('empty_answer'),
  nothing: failed('empty_answer'),
})
const always = (ending: StreamEnding): Row => ({ text: ending, reasoning: ending, nothing: ending })
const odd = whole(completed('stop', { degraded: true }))
const broken = always({ kind: 'interrupted' })

/** The finish reason alone decides, except for `none`: then `[DONE]` says whether the server has finished. */
const table: Readonly<Record<FinishReason, { done: Row; notDone: Row }>> = {
  stop: { done: whole(completed('stop')), notDone: whole(completed('stop')) },
  length: { done: whole(completed('length')), notDone: whole(completed('length')) },
  // The council offers no tools, so a tool call is an error of the model.
  tool_calls: { done: odd, notDone: odd },
  function_call: { done: odd, notDone: odd },
  content_filter: { done: always(failed('answer_filtered')), notDone: always(failed('answer_filtered')) },
  // vLLM sends `abort` when its engine gives up, followed by `[DONE]` as after a success.
  abort: { done: broken, notDone: broken },
  error: { done: broken, notDone: broken },
  other: { done: odd, notDone: odd },
  none: { done: odd, notDone: broken },
}

/** Parses the server's finish reason; null and undefined are `none`. */
export function finishReasonOf(said: string | null | undefined): FinishReason {
  if (said === null || said === undefined) return 'none'
  const known = finishReasons.find((reason) => reason === said)
  return known === undefined || known === 'none' ? 'other' : known
}

/** Looks up the ending. `done`: the stream contained `[DONE]`. */
export const endingOf = (reason: FinishReason, done: boolean, content: AnswerContent): StreamEnding =>
  table[reason][done ? 'done' : 'notDone'][content]
