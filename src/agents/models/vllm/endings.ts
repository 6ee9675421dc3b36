/**
 * What the end of a stream means. One table for every finish reason, with and without `[DONE]`, with and without text: a finished
 * answer is never sent back for continuation, and an answer without text is never a success.
 */

/** Everything that may stand for a finish reason. `other`: the empty string, and reasons that are not known here. `none`: there was none. */
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

/** What the whole answer has, the part before a continuation included. */
export type AnswerContent = 'text' | 'reasoning' | 'nothing'

export type StreamEnding =
  | { kind: 'completed'; finishReason: 'stop' | 'length'; degraded: boolean }
  | { kind: 'failed'; code: 'empty_answer' | 'answer_filtered' }
  /** The answer is not finished: it may be continued. */
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

/** The finish reason alone decides, but for `none`: there `[DONE]` says that the server has finished. */
const table: Readonly<Record<FinishReason, { done: Row; notDone: Row }>> = {
  stop: { done: whole(completed('stop')), notDone: whole(completed('stop')) },
  length: { done: whole(completed('length')), notDone: whole(completed('length')) },
  // The council offers no tools: a call to one is the model's mistake.
  tool_calls: { done: odd, notDone: odd },
  function_call: { done: odd, notDone: odd },
  content_filter: { done: always(failed('answer_filtered')), notDone: always(failed('answer_filtered')) },
  // vLLM says `abort` when its engine gives up, and then `[DONE]` as after a success.
  abort: { done: broken, notDone: broken },
  error: { done: broken, notDone: broken },
  other: { done: odd, notDone: odd },
  none: { done: odd, notDone: broken },
}

/** A finish reason as the server wrote it; null and undefined are none. */
export function finishReasonOf(said: string | null | undefined): FinishReason {
  if (said === null || said === undefined) return 'none'
  const known = finishReasons.find((reason) => reason === said)
  return known === undefined || known === 'none' ? 'other' : known
}

/** `done`: `[DONE]` was seen. */
export const endingOf = (reason: FinishReason, done: boolean, content: AnswerContent): StreamEnding =>
  table[reason][done ? 'done' : 'notDone'][content]
