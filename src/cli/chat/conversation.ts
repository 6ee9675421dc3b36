import type { ClientFrame, ServerFrame } from '../../api/chat/frames.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import { ConnectionLost, type ChatConnection } from './connection.ts'
import type { ReceivedFrame } from './received-frames.ts'
import { CliError } from '../failure.ts'

export type ConversationDependencies = {
  connect: () => Promise<ChatConnection>
  /** Waits, or less when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Prints a note about a lost connection. */
  note: (line: string) => void
  /** The error to throw when the first connection attempt is refused. */
  refused: () => CliError
  /** Aborts on Ctrl-C: the prompt is then cancelled. */
  interrupted: AbortSignal
}

type Prompt = Extract<ClientFrame, { type: 'prompt' }> & { requestId: Uuid7 }
type Ending = Extract<ServerFrame, { type: 'completed' | 'failed' | 'cancelled' }>

const maxTries = 8
const firstWaitMs = 250
const maxWaitMs = 5_000
/** How long to wait for the end of a cancelled prompt. */
const cancelWaitMs = 3_000

/** Transient errors of the server: the client sends the same prompt again under the same id. */
const transientErrors = ['outcome_unknown', 'overloaded', 'log_unavailable']

/**
 * Sends a prompt and yields all frames until it has ended; returns the terminal frame. Reconnects after a lost connection, with backoff,
 * and resumes the answer; before its first frame it sends the prompt again, which is idempotent under its id. A caller that stops
 * iterating early cancels the prompt. Throws CliError.
 */
export async function* converse(
  prompt: Prompt,
  dependencies: ConversationDependencies,
): AsyncGenerator<ReceivedFrame, Ending> {
  const { connect, pause, note, refused, interrupted } = dependencies
  const { requestId } = prompt
  const ended = giveUpAfterCancel(interrupted)
  let lastEventId: string | undefined
  let tries = 0
  /** True while the caller holds the last frame. If it never asks for the next one, it has left. */
  let isLeft = false
  try {
    for (;;) {
      let connection: ChatConnection | undefined
      try {
        connection = await connect()
        if (interrupted.aborted && lastEventId === undefined) throw stopped(requestId)
        connection.send(lastEventId === undefined ? prompt : { type: 'resume', requestId, lastEventId })
        for await (const received of untilInterrupted(connection, requestId, interrupted, ended.signal)) {
          const { frame, id } = received
          if (id !== undefined) {
            lastEventId = id
            tries = 0
          }
          if (frame?.type === 'error' && transientErrors.includes(frame.code) && lastEventId === undefined)
            throw new ConnectionLost(frame.code)
          isLeft = true
          yield received
          isLeft = false
          if (frame?.type === 'completed' || frame?.type === 'failed' || frame?.type === 'cancelled') return frame
          if (frame?.type === 'restart') throw new ConnectionLost('the server restarts')
          // Once the answer has begun, errors are about something else, such as a late cancellation.
          if (frame?.type === 'error' && lastEventId === undefined)
            throw new CliError({ fromServer: frame.code }, frame.message)
        }
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
        if (interrupted.aborted) throw stopped(requestId)
        if (error.refused && lastEventId === undefined && tries === 0) throw refused()
        tries += 1
        if (tries > maxTries)
          throw new CliError(
            'connection_lost',
            `the connection did not come back after ${maxTries} tries (${error.message}); the answer continues: council audit request ${requestId}`,
          )
        const waitMs = Math.min(maxWaitMs, firstWaitMs * 2 ** (tries - 1))
        note(`connection lost (${error.message}); trying again in ${waitMs / 1000} s (${tries} of ${maxTries})`)
        await pause(waitMs, interrupted)
        if (interrupted.aborted) throw stopped(requestId)
      } finally {
        if (isLeft) connection?.send({ type: 'cancel', requestId })
        connection?.close()
      }
    }
  } finally {
    ended.stop()
  }
}

/** The frames of a connection. Ctrl-C cancels the prompt; frames then continue to its end, or until that takes too long. */
async function* untilInterrupted(
  connection: ChatConnection,
  requestId: Uuid7,
  interrupted: AbortSignal,
  givenUp: AbortSignal,
): AsyncGenerator<ReceivedFrame> {
  const cancel = () => connection.send({ type: 'cancel', requestId })
  if (interrupted.aborted) cancel()
  else interrupted.addEventListener('abort', cancel, { once: true })
  const { promise: late, reject } = Promise.withResolvers<never>()
  const giveUp = () => reject(stopped(requestId))
  late.catch(() => undefined)
  givenUp.addEventListener('abort', giveUp, { once: true })
  try {
    for (;;) {
      const next = await Promise.race([connection.frames.next(), late])
      if (next.done) return
      yield next.value
    }
  } finally {
    interrupted.removeEventListener('abort', cancel)
    givenUp.removeEventListener('abort', giveUp)
  }
}

/** A signal that aborts a while after another one. */
function giveUpAfterCancel(interrupted: AbortSignal): { signal: AbortSignal; stop: () => void } {
  const late = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const start = () => void (timer = setTimeout(() => late.abort(), cancelWaitMs))
  if (interrupted.aborted) start()
  else interrupted.addEventListener('abort', start, { once: true })
  return {
    signal: late.signal,
    stop() {
      clearTimeout(timer)
      interrupted.removeEventListener('abort', start)
    },
  }
}

const stopped = (requestId: Uuid7): CliError =>
  new CliError(
    'interrupted',
    `interrupted before the council confirmed the cancellation; see council audit request ${requestId}`,
  )
