import type { ServerFrame } from '../chat/frames.ts'
import { failureError, type OpenAiError } from './errors.ts'

type Completed = Extract<ServerFrame, { type: 'completed' }>

/** A part of an answer, as far as OpenAI's API can show it. The last one is `completed` or `failed`. */
export type AnswerPart =
  | { kind: 'text'; text: string }
  /** Nothing has come for a while; `why` says what the answer waits for. */
  | { kind: 'idle'; why: string }
  | { kind: 'completed'; frame: Completed }
  | { kind: 'failed'; error: OpenAiError }

export type PartsOptions = {
  /** After how many milliseconds without anything a part says so. */
  idleMs: number
  /** For how many milliseconds a client may wait for a person. */
  approvalWaitMs: number
  /** Aborts with the error that ends the answer for this client; the prompt goes on. */
  cutOff: AbortSignal
  /** Monotonic. */
  elapsedMs: () => number
}

/**
 * The parts of an answer, from its frames. They also end when a person has not decided in time, and at `cutOff`: the prompt goes
 * on, and the same request under its Idempotency-Key reads the answer later.
 */
export async function* answerParts(
  frames: AsyncGenerator<ServerFrame>,
  { idleMs, approvalWaitMs, cutOff, elapsedMs }: PartsOptions,
): AsyncGenerator<AnswerPart, void> {
  let waiting: { approvalId: string; untilMs: number } | null = null
  let pending: Promise<IteratorResult<ServerFrame>> | null = null
  try {
    for (;;) {
      pending ??= frames.next()
      const waitMs: number = waiting ? Math.min(idleMs, Math.max(0, waiting.untilMs - elapsedMs())) : idleMs
      const next: IteratorResult<ServerFrame> | 'late' | 'cut_off' = await firstOf(pending, waitMs, cutOff)
      if (next === 'cut_off') {
        yield { kind: 'failed', error: cutOff.reason as OpenAiError }
        return
      }
      if (next === 'late') {
        if (waiting && elapsedMs() >= waiting.untilMs) {
          yield { kind: 'failed', error: pendingError(waiting.approvalId) }
          return
        }
        yield { kind: 'idle', why: waiting ? `waits for a person, approval ${waiting.approvalId}` : 'in progress' }
        continue
      }
      // The feed ends early only when its reader has left.
      if (next.done) return
      pending = null
      const frame: ServerFrame = next.value
      if (frame.type === 'approval')
        waiting =
          frame.state === 'waiting' ? { approvalId: frame.approvalId, untilMs: elapsedMs() + approvalWaitMs } : null
      const part = partOf(frame)
      if (part) yield part
      if (part && part.kind !== 'text') return
    }
  } finally {
    // A reader that leaves does not hear of a failure.
    pending?.catch(() => undefined)
    void frames.return(undefined)
  }
}

/** Frames about how an answer comes about have no place in OpenAI's API. */
function partOf(frame: ServerFrame): AnswerPart | null {
  switch (frame.type) {
    case 'token':
      return { kind: 'text', text: frame.text }
    case 'completed':
      return { kind: 'completed', frame }
    case 'failed':
      return { kind: 'failed', error: failureError(frame.code, frame.message) }
    case 'cancelled':
      return { kind: 'failed', error: cancelledError }
    case 'error':
      return { kind: 'failed', error: failureError(frame.code, frame.message) }
    default:
      return null
  }
}

const conflict = { status: 409, type: 'invalid_request_error', param: null, mayRetry: false } as const

const cancelledError: OpenAiError = { ...conflict, code: 'prompt_cancelled', message: 'the prompt was cancelled' }

const pendingError = (approvalId: string): OpenAiError => ({
  ...conflict,
  code: 'approval_pending',
  message: `the answer waits for a person, approval ${approvalId}; the same request under its Idempotency-Key gets it later`,
})

/** The result, or `late` after a time, or `cut_off` when the signal aborts first. */
async function firstOf<T>(pending: Promise<T>, ms: number, signal: AbortSignal): Promise<T | 'late' | 'cut_off'> {
  if (signal.aborted) return 'cut_off'
  const { promise, resolve } = Promise.withResolvers<'late' | 'cut_off'>()
  const timer = setTimeout(() => resolve('late'), ms)
  const stop = (): void => resolve('cut_off')
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([pending, promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
