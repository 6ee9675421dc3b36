/** Opens one answer of one vLLM server. */

import { linkedController } from '../abort.ts'
import { ModelError, type ModelCall, type ModelChunk } from '../model.ts'
import { describe } from './errors.ts'
import { createIdleTimeout } from './idle-timeout.ts'
import { readAnswer } from './stream.ts'
import type { EventBody, Transport } from './transport.ts'
import { chatRequest } from './wire.ts'

/** An answer whose first chunk has arrived. Returning from `rest` early destroys the socket. */
export type OpenAnswer = { first: ModelChunk; rest: AsyncGenerator<ModelChunk, void, void> }

/** `idleTimeoutMs`: the longest time without text, reasoning or rising usage after the first chunk. */
export type AnswerLimits = { firstByteTimeoutMs: number; idleTimeoutMs: number }

/** How long to wait for the last bytes after `[DONE]`, which frees the connection for reuse. */
const drainMs = 1000

/**
 * Sends one call to one server and waits for the first chunk of the answer.
 * Throws ModelError, or the reason of `signal`, whose abort destroys the socket at any time.
 */
export async function openAnswer(
  transport: Transport,
  call: ModelCall,
  modelName: (signal: AbortSignal) => Promise<string>,
  { firstByteTimeoutMs, idleTimeoutMs }: AnswerLimits,
  signal: AbortSignal,
): Promise<OpenAnswer> {
  const cut = linkedController(signal)
  const tooLate = () =>
    cut.abort(
      new ModelError('model_timeout', `${transport.url} did not begin to answer within ${firstByteTimeoutMs} ms.`),
    )
  const timer = setTimeout(tooLate, firstByteTimeoutMs)
  try {
    const model = await modelName(cut.signal)
    const headers = {
      'x-request-id': call.requestId,
      ...(call.traceparent === undefined ? {} : { traceparent: call.traceparent }),
    }
    const body = await transport.postForEvents('/v1/chat/completions', chatRequest(call, model), headers, cut.signal)
    const rest = chunksOf(transport.url, body, call, idleTimeoutMs, cut)
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
  { maxTokens, continueFrom }: ModelCall,
  idleTimeoutMs: number,
  cut: ReturnType<typeof linkedController>,
): AsyncGenerator<ModelChunk, void, void> {
  const bytes = body[Symbol.asyncIterator]()
  const idleTimeout = createIdleTimeout(idleTimeoutMs, () =>
    cut.abort(
      new ModelError('model_timeout', `${url} made no progress for ${idleTimeoutMs} ms in the middle of an answer.`),
    ),
  )
  const isProgress = progressWithin(maxTokens)
  let isWhole = false
  const signs = { finished: idleTimeout.finished, done: () => void (isWhole = true) }
  try {
    for await (const chunk of readAnswer(
      idleTimeout.read(bytes),
      { maxTokens, continues: continueFrom !== '' },
      signs,
    )) {
      // Chunks that arrived before an abort are not yielded after it.
      if (cut.signal.aborted) throw cut.signal.reason
      idleTimeout.begin()
      if (isProgress(chunk)) idleTimeout.progressed()
      yield chunk
    }
  } catch (error) {
    const cause: unknown = cut.signal.aborted ? cut.signal.reason : error
    if (cause instanceof ModelError) throw new ModelError(cause.code, cause.message, { cause })
    throw new ModelError('model_interrupted', `The connection to ${url} broke: ${describe(cause)}`, { cause })
  } finally {
    if (isWhole) void drain(bytes, cut)
    else abandon(cut)
  }
}

/** Recognises progress: text, reasoning, and usage that rises up to the requested tokens. */
function progressWithin(maxTokens: number): (chunk: ModelChunk) => boolean {
  let most = 0
  return (chunk) => {
    if (chunk.type !== 'usage') return true
    const used = chunk.usage.completionTokens ?? 0
    if (used <= most || used > maxTokens) return false
    most = used
    return true
  }
}

/** Reads the body to its end, so that undici can reuse the connection. If the server does not end it, the connection is closed. */
async function drain(pieces: AsyncIterator<Uint8Array>, cut: ReturnType<typeof linkedController>): Promise<void> {
  const timer = setTimeout(() => cut.abort(), drainMs)
  try {
    while (!(await pieces.next()).done);
  } catch {
    // The answer is complete; the end of its connection does not matter.
  } finally {
    clearTimeout(timer)
    cut.unlink()
  }
}

function abandon(cut: ReturnType<typeof linkedController>): void {
  cut.unlink()
  cut.abort(new ModelError('model_cancelled', 'The reader of the answer left.'))
}
