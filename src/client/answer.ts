import type { ClientFrame, ServerFrame } from '../api/chat/frames.ts'
import { ClientError } from './client-error.ts'
import { ConnectionLost } from './connection-lost.ts'
import type { Connection } from './connection.ts'
import { interrupted, reconnecting, type Reconnecting } from './reconnect.ts'
import type { ReceivedFrame } from './server-frame.ts'

type RequestId = Extract<ClientFrame, { type: 'resume' }>['requestId']
export type Prompt = Extract<ClientFrame, { type: 'prompt' }> & { requestId: RequestId }
export type Resume = Extract<ClientFrame, { type: 'resume' }>
/** The last frame of an answer. */
export type Ending = Extract<ServerFrame, { type: 'completed' | 'failed' | 'cancelled' }>

/** How long to wait for the end of a cancelled prompt. */
const cancelWaitMs = 3_000

/** The server could not take a frame now: the client sends it again, under the same id. */
const notTaken = ['outcome_unknown', 'overloaded', 'log_unavailable', 'read_model_unavailable', 'read_model_behind']
/** The server stopped streaming the answer, which goes on. */
const feedEnded = ['internal', 'log_unavailable', 'log_stopped']

/**
 * Sends a prompt, or resumes an answer, and yields all frames until it has ended; returns the terminal frame. Reconnects
 * after a lost connection and resumes after the last frame; before the first one it sends its frame again, which is
 * idempotent under its id. Each frame comes once.
 *
 * The caller of a prompt owns it: when the signal aborts, or the caller stops iterating early, the prompt is cancelled.
 * After an abort, frames go on until `cancelled`, for 3 s at most. A caller that resumed an answer only stops reading.
 *
 * Throws ClientError: the codes of `reconnecting`, `interrupted` if the signal aborted and the cancellation was not
 * confirmed, and the code of the server's `error` frame if it did not take the first frame.
 */
export async function* streamAnswer(
  first: Prompt | Resume,
  dependencies: Reconnecting,
): AsyncGenerator<ReceivedFrame, Ending> {
  const { signal } = dependencies
  const { requestId } = first
  const isOwner = first.type === 'prompt'
  const giveUp = abortLater(signal, isOwner ? cancelWaitMs : 0)
  let lastEventId: string | undefined
  /** Whether the caller holds the last frame. If it never asks for the next one, it has left. */
  let isLeft = false

  try {
    return yield* reconnecting(dependencies, async function* (connection, tries) {
      if (signal.aborted && lastEventId === undefined) throw interrupted()
      connection.send(lastEventId === undefined ? first : { type: 'resume', requestId, lastEventId })
      const cancel = (): void => {
        if (isOwner) connection.send({ type: 'cancel', requestId })
      }
      let isStreaming = false
      if (signal.aborted) cancel()
      signal.addEventListener('abort', cancel, { once: true })
      try {
        for await (const received of framesUntil(connection, giveUp.signal)) {
          const { frame, id } = received
          if (id !== undefined) {
            lastEventId = id
            isStreaming = true
            tries.hasProgressed()
          }
          const error = frame?.type === 'error' ? frame.code : ''
          if ((isStreaming ? feedEnded : notTaken).includes(error)) throw new ConnectionLost(error)
          isLeft = true
          yield received
          isLeft = false
          if (frame?.type === 'completed' || frame?.type === 'failed' || frame?.type === 'cancelled') return frame
          if (frame?.type === 'restart') throw new ConnectionLost('the server restarts')
          // Once the answer streams, other errors are about a cancellation that came too late.
          if (frame?.type === 'error' && !isStreaming && error !== 'prompt_finished')
            throw new ClientError({ fromServer: error, status: null }, frame.message)
        }
        throw interrupted()
      } finally {
        signal.removeEventListener('abort', cancel)
        if (isLeft) cancel()
      }
    })
  } finally {
    giveUp.stop()
  }
}

/** The frames of a connection, until the signal aborts. */
export async function* framesUntil({ frames }: Connection, signal: AbortSignal): AsyncGenerator<ReceivedFrame> {
  const { promise: aborted, resolve } = Promise.withResolvers<{ done: true }>()
  const end = (): void => resolve({ done: true })
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  try {
    for (;;) {
      const next = await Promise.race([frames.next(), aborted])
      if (next.done) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', end)
  }
}

/** A signal that aborts a while after another one. */
function abortLater(signal: AbortSignal, ms: number): { signal: AbortSignal; stop: () => void } {
  const late = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const start = (): void => void (timer = setTimeout(() => late.abort(), ms))
  if (signal.aborted) start()
  else signal.addEventListener('abort', start, { once: true })
  return {
    signal: late.signal,
    stop() {
      clearTimeout(timer)
      signal.removeEventListener('abort', start)
    },
  }
}
