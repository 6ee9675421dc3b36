/** Reads a streamed answer of vLLM. */

import { createParser, type ParseError } from 'eventsource-parser'
import { ModelError, type ModelChunk, type UsageReport } from '../model.ts'
import { endingOf, finishReasonOf, type AnswerContent, type FinishReason, type StreamEnding } from './endings.ts'
import { problemIn, shortened, StreamChunk } from './wire.ts'

const maxEventCharacters = 1024 * 1024
/** A stream with this many bytes without text, reasoning or new usage is cut. */
const maxIdleBytes = 2 * 1024 * 1024
/** The event of a token has about 350 bytes. A server that sends more than this for each requested token does not stop, and is cut. */
const maxBytesPerToken = 4096

/** The part of a call that its reader needs. `continues`: the answer already has text. */
export type AnsweredCall = { maxTokens: number; continues: boolean }

/** Callbacks while the stream is read: at the finish reason, and at `[DONE]`, after which the connection can be reused. */
export type StreamSigns = { finished: () => void; done: () => void }

/** The state of a stream so far. */
type Seen = { reason: FinishReason; said: string; content: AnswerContent; done: boolean }

/**
 * Reads one streamed answer. A delta may hold several tokens, none, or a part of one, so token counts come from `usage`.
 *
 * Ends with an `end` chunk when the answer is finished (see `endings.ts`), even if the stream breaks afterwards.
 * Otherwise throws ModelError: `model_interrupted` with the reason, `model_rejected`, `empty_answer` or `answer_filtered`.
 * Returns at `[DONE]` and ignores anything after it.
 */
export async function* readAnswer(
  body: AsyncIterable<Uint8Array>,
  call: AnsweredCall,
  signs?: StreamSigns,
): AsyncGenerator<ModelChunk, void, void> {
  const seen: Seen = { reason: 'none', said: '', content: call.continues ? 'text' : 'nothing', done: false }
  try {
    yield* readEvents(body, call.maxTokens, seen, signs)
  } catch (error) {
    // An error after the finish reason does not change the answer.
    if (seen.reason === 'none') throw error
  }
  const ending = endingOf(seen.reason, seen.done, seen.content)
  if (ending.kind !== 'completed') throw failureOf(ending, seen, call)
  yield { type: 'end', finishReason: ending.finishReason, degraded: ending.degraded }
}

async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  maxTokens: number,
  seen: Seen,
  signs: StreamSigns | undefined,
): AsyncGenerator<ModelChunk, void, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const events = eventParser()
  let usage: UsageReport = { promptTokens: null, completionTokens: null }
  let bytes = 0
  let idleBytes = 0

  for await (const piece of body) {
    bytes += piece.byteLength
    idleBytes += piece.byteLength
    for (const data of events.feed(decoded(decoder, piece))) {
      if (data.trim() === '[DONE]') {
        seen.done = true
        signs?.done()
        return
      }
      const chunk = parseChunk(data)
      const choice = chunk.choices?.find(({ index }) => (index ?? 0) === 0)
      const text = choice?.delta?.content ?? ''
      const reasoning = choice?.delta?.reasoning || choice?.delta?.reasoning_content || ''
      const isNews = chunk.usage !== undefined && !sameUsage(usage, chunk.usage)
      if (text !== '') seen.content = 'text'
      else if (reasoning !== '' && seen.content === 'nothing') seen.content = 'reasoning'
      if (text + reasoning !== '' || isNews) idleBytes = 0

      if (isNews) yield { type: 'usage', usage: (usage = chunk.usage ?? usage) }
      if (reasoning !== '') yield { type: 'reasoning', text: reasoning }
      if (text !== '') yield { type: 'text', text }

      const reason = finishReasonOf(choice?.finish_reason)
      if (reason === 'none') continue
      seen.reason = reason
      seen.said = choice?.finish_reason ?? ''
      signs?.finished()
    }
    if (idleBytes > maxIdleBytes) throw interrupted(`${idleBytes} bytes brought nothing`)
    if (bytes > maxEventCharacters + maxTokens * maxBytesPerToken) {
      // The server does not respect max_tokens, so the answer ends here.
      if (seen.reason === 'none') seen.reason = 'length'
      return
    }
  }
}

/** Parses server-sent events from pieces of text. Throws ModelError for an event that exceeds the limit. */
function eventParser(): { feed: (text: string) => Generator<string, void, void> } {
  const events: string[] = []
  const overflows: ParseError[] = []
  const parser = createParser({
    maxBufferSize: maxEventCharacters,
    onEvent: (event) => events.push(event.data),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') overflows.push(error)
    },
  })
  return {
    *feed(text) {
      parser.feed(text)
      for (const data of events.splice(0)) {
        if (data.length > maxEventCharacters) throw interrupted(`an event of ${data.length} characters`)
        yield data
      }
      if (overflows.length > 0)
        throw interrupted(`an event of more than ${maxEventCharacters} characters`, overflows[0])
    },
  }
}

function failureOf(
  ending: Exclude<StreamEnding, { kind: 'completed' }>,
  { reason, said, content, done }: Seen,
  { maxTokens }: AnsweredCall,
): ModelError {
  if (ending.kind === 'interrupted')
    return interrupted(
      reason === 'none'
        ? `the connection ended ${done ? 'without a finish reason' : 'in the middle'}`
        : `finish reason ${JSON.stringify(shortened(said))}`,
    )
  if (ending.code === 'answer_filtered')
    return new ModelError('answer_filtered', 'The model server withheld the answer (content_filter). Ask differently.')
  if (content === 'reasoning' && reason === 'length')
    return new ModelError(
      'empty_answer',
      `The model used all of its ${maxTokens} tokens for reasoning and wrote no answer. Raise ANSWER_MAX_TOKENS.`,
    )
  const how = reason === 'none' || reason === 'other' ? 'without a known finish reason' : `with finish reason ${reason}`
  return new ModelError('empty_answer', `The model finished ${how} and wrote no answer. Ask again, or ask differently.`)
}

const interrupted = (why: string, cause?: unknown): ModelError =>
  new ModelError('model_interrupted', `The answer broke off: ${why}`, { cause })

function decoded(decoder: TextDecoder, piece: Uint8Array): string {
  try {
    return decoder.decode(piece, { stream: true })
  } catch (cause) {
    throw interrupted('it is not UTF-8', cause)
  }
}

function parseChunk(data: string): StreamChunk {
  let json: unknown
  try {
    json = JSON.parse(data)
  } catch (cause) {
    throw interrupted(`an event is not JSON: ${JSON.stringify(shortened(data))}`, cause)
  }
  const problem = problemIn(json)
  // vLLM 0.32 checks some fields, such as the choices, only after it has begun the stream.
  if (problem?.status === 400)
    throw new ModelError('model_rejected', `The model server rejected the call: ${JSON.stringify(problem.message)}`)
  if (problem) throw interrupted(`the server says ${JSON.stringify(problem.message)}`)
  const chunk = StreamChunk.safeParse(json)
  if (chunk.success) return chunk.data
  const issue = chunk.error.issues[0]
  throw interrupted(
    `an event has an unexpected shape at ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? ''}`,
    chunk.error,
  )
}

const sameUsage = (a: UsageReport, b: UsageReport): boolean =>
  a.promptTokens === b.promptTokens &&
  a.cachedPromptTokens === b.cachedPromptTokens &&
  a.completionTokens === b.completionTokens
