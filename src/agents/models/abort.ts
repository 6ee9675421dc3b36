import { ModelError } from './model.ts'

/**
 * Creates a controller that aborts with `signal` and its reason, and that can be aborted on its own.
 * Call `unlink` when the work is over, or the listener lives as long as the signal.
 */
export function linkedController(signal: AbortSignal): AbortController & { unlink: () => void } {
  const controller = new AbortController()
  const follow = () => controller.abort(signal.reason)
  if (signal.aborted) follow()
  else signal.addEventListener('abort', follow, { once: true })
  return Object.assign(controller, { unlink: () => signal.removeEventListener('abort', follow) })
}

/** Settles as the promise does, or rejects with the signal's reason when it aborts. It does not stop the work itself. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const fire = () => aborted.reject(signal.reason)
  if (signal.aborted) fire()
  else signal.addEventListener('abort', fire, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', fire)
  }
}

/** Settles as a count of tokens does, or rejects with ModelError `model_cancelled` when the signal aborts. */
export const countedInTime = (count: Promise<number>, signal: AbortSignal): Promise<number> =>
  orAborted(count, signal).catch((error: unknown) => {
    throw error instanceof ModelError
      ? error
      : new ModelError('model_cancelled', 'The tokens were not counted in time.', { cause: error })
  })

/** Runs work with a signal that aborts with `reason()` after `timeoutMs`, or with `signal`. */
export async function within<T>(
  timeoutMs: number,
  reason: () => Error,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const cut = linkedController(signal)
  const timer = setTimeout(() => cut.abort(reason()), timeoutMs)
  try {
    return await orAborted(work(cut.signal), cut.signal)
  } finally {
    clearTimeout(timer)
    cut.unlink()
  }
}
