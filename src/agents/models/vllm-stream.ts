import { createParser, type ParseError } from 'eventsource-parser'
import { ModelError, type ModelChunk, type TokenUsage } from './model.ts'
import { problemIn, shortened, StreamChunk } from './vllm-wire.ts'

const maxEventCharacters = 1024 * 1024
const maxAnswerCharacters = 1024 * 1024
/** A token's event is about 350 bytes; more than this for each token that was asked for is not an answer. */
const maxBytesPerToken = 4096

/**
 * Reads one streamed answer. Chunks are not tokens: a delta may hold several, none, or a piece of one, so amounts come from `usage`.
 *
 * Success means all three: a finish reason `stop` or `length`, `[DONE]`, and no error object. vLLM sends `[DONE]` after an error
 * too, and a finish reason `abort` when its engine gave up, so neither alone proves anything.
 * Everything else throws ModelError `model_interrupted`, which says what was wrong and carries the last usage that was seen.
 * Returns at `[DONE]`; what the server sends after it is not read.
 */
export async function* readAnswer(body: AsyncIterable<Uint8Array>, maxTokens: number): AsyncGenerator<ModelChunk, void, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let usage: TokenUsage | 'unknown' = 'unknown'
  let finish: 'stop' | 'length' | undefined
  let answerCharacters = 0
  let heldBack = ''
  let bytes = 0
  const interrupted = (why: string, cause?: unknown) => new ModelError('model_interrupted', `The answer broke off: ${why}`, { usage, cause })

  const events: string[] = []
  const overflows: ParseError[] = []
  const parser = createParser({
    maxBufferSize: maxEventCharacters,
    onEvent: (event) => events.push(event.data),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') overflows.push(error)
    },
  })

  for await (const piece of body) {
    bytes += piece.byteLength
    if (bytes > maxEventCharacters + maxTokens * maxBytesPerToken) throw interrupted(`more than ${bytes} bytes for ${maxTokens} tokens`)
    parser.feed(decoded(decoder, piece, interrupted))
    for (const data of events.splice(0)) {
      if (data.trim() === '[DONE]') {
        if (finish === undefined) throw interrupted('the stream ended without a finish reason')
        yield { type: 'end', finishReason: finish, usage }
        return
      }
      if (data.length > maxEventCharacters) throw interrupted(`an event of ${data.length} characters`)
      const chunk = parseChunk(data, interrupted)
      const choice = chunk.choices.find(({ index }) => (index ?? 0) === 0)
      const fresh = heldBack + (choice?.delta?.content ?? '')
      const text = wholeCharacters(fresh)
      heldBack = fresh.slice(text.length)
      answerCharacters += text.length
      if (answerCharacters > maxAnswerCharacters) throw interrupted(`it grew over ${maxAnswerCharacters} characters`)

      const changed = chunk.usage && !sameUsage(usage, chunk.usage)
      if (chunk.usage) usage = chunk.usage
      if (text !== '') yield { type: 'text', text }
      if (changed && usage !== 'unknown') yield { type: 'usage', usage }

      const reason = choice?.finish_reason
      if (reason === 'stop' || reason === 'length') finish = reason
      else if (typeof reason === 'string') throw interrupted(`finish reason ${JSON.stringify(shortened(reason))}`)
    }
    if (overflows.length > 0) throw interrupted(`an event of more than ${maxEventCharacters} characters`, overflows[0])
  }
  throw interrupted(finish === undefined ? 'the connection ended in the middle' : 'the connection ended before [DONE]')
}

type Interrupted = (why: string, cause?: unknown) => ModelError

function decoded(decoder: TextDecoder, piece: Uint8Array, interrupted: Interrupted): string {
  try {
    return decoder.decode(piece, { stream: true })
  } catch (cause) {
    throw interrupted('it is not UTF-8', cause)
  }
}

function parseChunk(data: string, interrupted: Interrupted): StreamChunk {
  let json: unknown
  try {
    json = JSON.parse(data)
  } catch (cause) {
    throw interrupted(`an event is not JSON: ${JSON.stringify(shortened(data))}`, cause)
  }
  const problem = problemIn(json)
  if (problem) throw interrupted(`the server says ${JSON.stringify(problem.message)}`)
  const chunk = StreamChunk.safeParse(json)
  if (chunk.success) return chunk.data
  const issue = chunk.error.issues[0]
  throw interrupted(`an event has an unexpected shape at ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? ''}`, chunk.error)
}

/** A text that ends in the first half of a surrogate pair keeps that half for the next delta. */
function wholeCharacters(text: string): string {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text
}

const sameUsage = (a: TokenUsage | 'unknown', b: TokenUsage): boolean =>
  a !== 'unknown' && a.promptTokens === b.promptTokens && a.completionTokens === b.completionTokens
