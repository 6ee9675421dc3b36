import { linkedController } from '../abort.ts'
import { ModelError, type ModelCall, type ModelChunk } from '../model.ts'
import { describe } from './errors.ts'
import { createPatience } from './patience.ts'
import { readAnswer } from './stream.ts'
import type { EventBody, Transport } from './transport.ts'
import { chatRequest } from './wire.ts'

/** An answer that has begun: its first chunk is there. Leaving `rest` before its end destroys the socket. */
export type OpenAnswer = { first: ModelChunk; rest: AsyncGenerator<ModelChunk, void, void> }

/** `idleTimeoutMs`: the longest time without text, reasoning or rising usage, once the answer has begun. */
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
  const patience = createPatience(idleTimeoutMs, () =>
    cut.abort(
      new ModelError('model_timeout', `${url} made no progress for ${idleTimeoutMs} ms in the middle of an answer.`),
    ),
  )
  const isProgress = progressWithin(maxTokens)
  let isWhole = false
  const signs = { finished: patience.finished, done: () => void (isWhole = true) }
  try {
    for await (const chunk of readAnswer(patience.over(bytes), { maxTokens, continues: continueFrom !== '' }, signs)) {
      // What had arrived before an abort is not handed out after it.
      if (cut.signal.aborted) throw cut.signal.reason
      patience.begin()
      if (isProgress(chunk)) patience.progressed()
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

/** Tells chunks that bring an answer forward: text, reasoning, and usage that rises within what was asked for. */
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
