import { linkedController } from './abort.ts'
import { ModelError, type ModelCall, type ModelChunk, type TokenUsage } from './model.ts'
import { describe } from './vllm-errors.ts'
import { readAnswer } from './vllm-stream.ts'
import type { EventBody, Transport } from './vllm-transport.ts'
import { chatRequest } from './vllm-wire.ts'

/** An answer that has begun: its first chunk is there. Leaving `rest` before its end destroys the socket. */
export type OpenAnswer = { first: ModelChunk; rest: AsyncGenerator<ModelChunk, void, void> }

export type AnswerLimits = { firstByteTimeoutMs: number; idleTimeoutMs: number }

/** How long the few bytes behind `[DONE]` are waited for, so that the connection can be kept. */
const drainMs = 1000

/**
 * Sends one call to one server and waits for the first chunk of the answer.
 * Throws ModelError, or the reason of `signal`, which may fire at any time and destroys the socket.
 */
export async function openAnswer(
  transport: Transport,
  call: ModelCall,
  modelName: (signal: AbortSignal) => Promise<string>,
  { firstByteTimeoutMs, idleTimeoutMs }: AnswerLimits,
  signal: AbortSignal,
): Promise<OpenAnswer> {
  const cut = linkedController(signal)
  const tooLate = () => cut.abort(new ModelError('model_timeout', `${transport.url} did not begin to answer within ${firstByteTimeoutMs} ms.`))
  const timer = setTimeout(tooLate, firstByteTimeoutMs)
  try {
    const model = await modelName(cut.signal)
    const headers = { 'x-request-id': call.requestId, ...(call.traceparent === undefined ? {} : { traceparent: call.traceparent }) }
    const body = await transport.postForEvents('/v1/chat/completions', chatRequest(call, model), headers, cut.signal)
    const rest = chunksOf(transport.url, body, call.maxTokens, idleTimeoutMs, cut)
    const first = await rest.next()
    if (first.done) throw new ModelError('model_interrupted', `${transport.url} gave an empty answer.`)
    return { first: first.value, rest }
  } catch (error) {
    cut.unlink()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

async function* chunksOf(
  url: string,
  body: EventBody,
  maxTokens: number,
  idleTimeoutMs: number,
  cut: ReturnType<typeof linkedController>,
): AsyncGenerator<ModelChunk, void, void> {
  const pieces = body[Symbol.asyncIterator]()
  const silent = () => cut.abort(new ModelError('model_timeout', `${url} sent nothing for ${idleTimeoutMs} ms in the middle of an answer.`))
  let usage: TokenUsage | 'unknown' = 'unknown'
  let ended = false
  try {
    for await (const chunk of readAnswer(withinSilence(pieces, idleTimeoutMs, silent), maxTokens)) {
      if (chunk.type === 'usage') usage = chunk.usage
      // What had arrived before an abort is not handed out after it.
      if (cut.signal.aborted) throw cut.signal.reason
      ended = chunk.type === 'end'
      yield chunk
    }
  } catch (error) {
    const cause: unknown = cut.signal.aborted ? cut.signal.reason : error
    if (cause instanceof ModelError) throw new ModelError(cause.code, cause.message, { cause, usage })
    throw new ModelError('model_interrupted', `The connection to ${url} broke: ${describe(cause)}`, { cause, usage })
  } finally {
    if (ended) void drain(pieces, cut)
    else abandon(cut)
  }
}

/** The pieces of the body; `silent` is called when the next one takes longer than `idleTimeoutMs`. A slow reader of ours does not count. */
async function* withinSilence(pieces: AsyncIterator<Uint8Array>, idleTimeoutMs: number, silent: () => void): AsyncGenerator<Uint8Array, void, void> {
  for (;;) {
    const timer = setTimeout(silent, idleTimeoutMs)
    const piece = await pieces.next().finally(() => clearTimeout(timer))
    if (piece.done) return
    yield piece.value
  }
}

/** Reads to the end of the body, so that undici can use the connection again; a server that does not end it loses the connection. */
async function drain(pieces: AsyncIterator<Uint8Array>, cut: ReturnType<typeof linkedController>): Promise<void> {
  const timer = setTimeout(() => cut.abort(), drainMs)
  try {
    while (!(await pieces.next()).done);
  } catch {
    // The answer is complete; how its connection ended is of no interest.
  } finally {
    clearTimeout(timer)
    cut.unlink()
  }
}

function abandon(cut: ReturnType<typeof linkedController>): void {
  cut.unlink()
  cut.abort(new ModelError('model_cancelled', 'The reader of the answer left.'))
}
