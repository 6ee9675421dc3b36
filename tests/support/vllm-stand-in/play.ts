import type { ServerResponse } from 'node:http'
import { createChunks, type ChunkWriter } from './chunks.ts'
import type { AnswerScript, InStream, Wire } from './script.ts'
import type { ChatRequest } from './validate.ts'

/** The next step of an answer. */
export type Step =
  { kind: 'token'; text: string } | { kind: 'finish'; reason: 'stop' | 'length' } | { kind: 'trap'; trap: InStream }

/** The steps of an answer that is not gated: its tokens at its rate, and its trap at the scripted position. */
export async function* scripted(
  script: AnswerScript,
  tokens: readonly string[],
  trap: InStream | undefined,
  pause: (ms: number) => Promise<void>,
): AsyncGenerator<Step, void, void> {
  const strikesAt = trap === undefined ? undefined : (trap.afterTokens ?? tokens.length)
  const startedAt = performance.now()
  for (const [index, text] of tokens.entries()) {
    if (trap && index === strikesAt) yield { kind: 'trap', trap }
    if (script.tokensPerSecond !== undefined)
      await pause(Math.max(0, startedAt + ((index + 1) * 1000) / script.tokensPerSecond - performance.now()))
    yield { kind: 'token', text }
  }
  if (trap && strikesAt !== undefined && strikesAt >= tokens.length) yield { kind: 'trap', trap }
  yield { kind: 'finish', reason: script.finishReason ?? 'stop' }
}

/** Streams one answer. Resolves when the answer is over, or when the client has disconnected. */
export async function playStream(
  response: ServerResponse,
  request: ChatRequest,
  id: string,
  script: AnswerScript,
  steps: AsyncIterable<Step>,
): Promise<void> {
  const trap = script.trap
  const continuousUsage = request.continuousUsage && trap?.kind !== 'no-usage' && trap?.kind !== 'no-continuous-usage'
  const chunks = createChunks(request, id, Math.floor(Date.now() / 1000), continuousUsage, script.finalUsage)
  const writer = createWriter(response, script.wire ?? {})
  const withUsage = request.includeUsage && trap?.kind !== 'no-usage'
  let begun = false
  let generated = 0
  let pending: string | undefined
  let finish: { reason: string; stopReason: string | null } | undefined

  /** A token is held until the next step, because the last one may have to carry the finish reason. */
  const flush = async (ending?: { reason: string; stopReason: string | null }) => {
    const text = pending
    pending = undefined
    if (text === undefined && ending === undefined) return
    if (text !== undefined) chunks.count()
    await writer.event(
      chunks.delta(
        { content: text === undefined ? '' : (script.complete?.(text) ?? text) },
        ending && { finishReason: ending.reason, stopReason: ending.stopReason, isLast: !withUsage },
      ),
    )
  }

  for await (const step of steps) {
    if (writer.gone()) return
    if (!begun) await writer.event(chunks.role())
    begun = true
    if (step.kind === 'token') {
      await flush()
      generated += 1
      pending = step.text
      if (generated >= request.maxTokens) finish = { reason: 'length', stopReason: null }
      else if (script.gated) await flush()
    } else if (step.kind === 'trap') {
      await flush()
      const outcome = await spring(step.trap, chunks, writer)
      if (outcome === 'over') return
      if (outcome === 'finished') break
    } else {
      finish = { reason: step.reason, stopReason: script.stopReason ?? null }
    }
    if (finish) break
  }
  if (finish?.reason === 'stop' && finish.stopReason === null) {
    await flush()
    chunks.count()
  }
  if (finish) await flush(finish)
  if (withUsage) await writer.event(chunks.usage())
  await writer.data('[DONE]')
  if (trap?.kind !== 'held-open') response.end()
}

type Writer = ReturnType<typeof createWriter>

/**
 * `over`: write nothing more. `finished`: the finish reason was sent or suppressed. `continue`: proceed as without a
 * trap.
 */
async function spring(trap: InStream, chunks: ChunkWriter, writer: Writer): Promise<'over' | 'finished' | 'continue'> {
  const engineDied = 'EngineCore encountered an issue. See stack trace (above) for the root cause.'
  switch (trap.kind) {
    case 'cut-socket':
      writer.cut()
      return 'over'
    case 'early-end':
      writer.end()
      return 'over'
    case 'stall':
      return 'over'
    case 'error-object': {
      const nested = { error: { message: engineDied, type: 'InternalServerError', param: null, code: 500 } }
      const flat = { object: 'error', message: engineDied, type: 'InternalServerError', param: null, code: 500 }
      const shapes = { nested, flat, string: { error: engineDied } }
      await writer.event(shapes[trap.shape ?? 'nested'])
      await writer.data('[DONE]')
      writer.end()
      return 'over'
    }
    case 'abort-finish':
      await writer.event(chunks.delta({ content: '' }, { finishReason: 'abort', stopReason: null, isLast: false }))
      return 'finished'
    case 'other-finish':
      await writer.event(chunks.delta({ content: '' }, { finishReason: trap.reason, stopReason: null, isLast: false }))
      return 'finished'
    case 'no-finish':
      return 'finished'
    case 'no-done':
      await writer.event(chunks.delta({ content: '' }, { finishReason: 'stop', stopReason: null, isLast: false }))
      writer.end()
      return 'over'
    case 'event':
      await writer.data(trap.data)
      return 'continue'
    case 'bytes':
      await writer.bytes(trap.bytes)
      return 'continue'
    case 'deltas':
      for (const delta of trap.deltas) await writer.event(chunks.delta(delta))
      return 'continue'
    case 'repeat':
      while (!writer.gone()) {
        await writer.bytes(Buffer.from(trap.bytes))
        await writer.rest(trap.everyMs)
      }
      return 'over'
    case 'endless':
      while (!writer.gone()) {
        chunks.count()
        await writer.event(chunks.delta({ content: trap.token }))
      }
      return 'over'
    case 'no-usage':
    case 'no-continuous-usage':
    case 'held-open':
      return 'continue'
    default:
      return trap satisfies never
  }
}

function createWriter(
  response: ServerResponse,
  { lineEnd = '\n', noSpace = false, pieceBytes, comments = false }: Wire,
) {
  const gone = () => response.destroyed || response.writableEnded
  const write = (bytes: Uint8Array): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    if (gone()) return Promise.resolve()
    const over = () => {
      response.off('close', over)
      // Yields to the event loop, so that an endless answer can notice that the client has disconnected.
      setImmediate(() => {
        resolve(undefined)
      })
    }
    response.once('close', over)
    response.write(bytes, over)
    return promise
  }
  const bytes = async (content: Uint8Array): Promise<void> => {
    const size = pieceBytes ?? content.byteLength
    for (let at = 0; at < content.byteLength; at += size) await write(content.subarray(at, at + size))
  }
  const data = (text: string): Promise<void> => {
    const comment = comments ? `: still here${lineEnd}` : ''
    return bytes(Buffer.from(`${comment}data:${noSpace ? '' : ' '}${text}${lineEnd}${lineEnd}`))
  }
  return {
    gone,
    bytes,
    data,
    event: (event: object) => data(JSON.stringify(event)),
    /** Pauses; ends early when the client has disconnected. */
    rest: (ms: number): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      const over = (): void => {
        clearTimeout(timer)
        response.off('close', over)
        resolve(undefined)
      }
      const timer = setTimeout(over, ms)
      response.once('close', over)
      return promise
    },
    cut: () => response.socket?.destroy(),
    end: () => response.end(),
  }
}
