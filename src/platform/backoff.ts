import { setTimeout as delay } from 'node:timers/promises'

/** Waits, or less when the signal aborts. Never rejects. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>

export const pauseFor: Pause = (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined)

/** The pause after each consecutive failure; the last one repeats, because the cause may go away at any time. */
export type PausesMs = readonly [number, ...number[]]

const doublingPausesMs: PausesMs = [100, 200, 400, 800, 1_600, 3_200, 5_000]

export type Supervised = {
  /** One run of the work. When it ends without an error, it starts again at once. It calls `progressed` to reset the pauses. */
  run: (progressed: () => void) => Promise<void>
  /** Reports a failure, and decides whether a later run may succeed. Not called for an error after the signal has aborted. */
  onFailure: (error: unknown, pauseMs: number) => 'retry' | 'stop'
  /** By default the pauses double from 100 ms to 5 s. */
  pausesMs?: PausesMs
  /** Replaced in tests. */
  pause?: Pause | undefined
}

/** Runs work until the signal aborts or a failure stops it, with a pause after each failure. Never rejects. */
export async function supervise(
  { run, onFailure, pausesMs = doublingPausesMs, pause = pauseFor }: Supervised,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      await run(() => void (failures = 0))
    } catch (error) {
      const pauseMs = pausesMs[Math.min(failures, pausesMs.length - 1)] ?? pausesMs[0]
      if (signal.aborted || onFailure(error, pauseMs) === 'stop') return
      await pause(pauseMs, signal)
      failures += 1
    }
  }
}
