import { setTimeout as delay } from 'node:timers/promises'

/** Waits, or less when the signal aborts. Never rejects. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>

export const pauseFor: Pause = (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined)

const firstPauseMs = 100
const maxPauseMs = 5_000

export type Supervised = {
  /** One run of the work. When it ends without an error, it starts again at once. It calls `progressed` to reset the pauses. */
  run: (progressed: () => void) => Promise<void>
  /** Reports a failure, and decides whether a later run may succeed. Not called for an error after the signal has aborted. */
  onFailure: (error: unknown, pauseMs: number) => 'retry' | 'stop'
  /** Replaced in tests. */
  pause?: Pause | undefined
}

/** Runs work until the signal aborts or a failure stops it. Doubles the pause after each failure, from 100 ms to 5 s. Never rejects. */
export async function supervise({ run, onFailure, pause = pauseFor }: Supervised, signal: AbortSignal): Promise<void> {
  let pauseMs = firstPauseMs
  while (!signal.aborted) {
    try {
      await run(() => void (pauseMs = firstPauseMs))
    } catch (error) {
      if (signal.aborted || onFailure(error, pauseMs) === 'stop') return
      await pause(pauseMs, signal)
      pauseMs = Math.min(pauseMs * 2, maxPauseMs)
    }
  }
}
