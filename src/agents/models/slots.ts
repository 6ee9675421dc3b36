/** A bound on concurrent model calls, with a queue. */

import { ModelError } from './model.ts'

/** Permission to run one call. `release` is idempotent. */
export type Slot = { release: () => void }

/** A semaphore with a bounded, first-come-first-served queue. */
export type Slots = {
  /**
   * Acquires a slot; waits in the queue if all are taken.
   * Throws ModelError `model_overloaded` at once when the queue is full, `model_cancelled` when the signal aborts while the call waits.
   */
  take: (signal: AbortSignal) => Promise<Slot>
  /** The calls that hold a slot or wait for one. */
  load: () => number
}

/**
 * Creates a semaphore for `concurrency` holders and `maxQueued` waiters. A cancelled waiter leaves the queue at once. The bulkhead
 * of cockatiel keeps it queued until its turn, so a burst of cancelled calls would block live ones.
 */
export function createSlots(concurrency: number, maxQueued: number): Slots {
  let free = concurrency
  const waiting = new Set<() => void>()

  const newSlot = (): Slot => {
    let released = false
    return {
      release: () => {
        if (released) return
        released = true
        const next = waiting.values().next()
        if (next.done) free += 1
        else next.value()
      },
    }
  }

  return {
    take: async (signal) => {
      if (signal.aborted) throw cancelled()
      if (free > 0) {
        free -= 1
        return newSlot()
      }
      if (waiting.size >= maxQueued) throw overloaded(concurrency, maxQueued)
      const turn = Promise.withResolvers<Slot>()
      const proceed = () => {
        waiting.delete(proceed)
        signal.removeEventListener('abort', giveUp)
        turn.resolve(newSlot())
      }
      const giveUp = () => {
        waiting.delete(proceed)
        turn.reject(cancelled())
      }
      waiting.add(proceed)
      signal.addEventListener('abort', giveUp, { once: true })
      return turn.promise
    },
    load: () => concurrency - free + waiting.size,
  }
}

const cancelled = () =>
  new ModelError('model_cancelled', 'The call was cancelled while it waited for a slot.', { neverSent: true })

const overloaded = (concurrency: number, maxQueued: number) =>
  new ModelError(
    'model_overloaded',
    `All ${concurrency} slots of the model are taken and ${maxQueued} calls are waiting. Try again later.`,
  )
