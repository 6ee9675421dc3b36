import { ModelError } from './model.ts'

/** A place among the calls that run. `release` may be called more than once. */
export type Slot = { release: () => void }

export type Slots = {
  /**
   * Resolves when one of the places is free, first come first served.
   * Throws ModelError `model_overloaded` at once when the queue is full, `model_cancelled` when the signal fires while waiting.
   */
  take: (signal: AbortSignal) => Promise<Slot>
}

/**
 * At most `concurrency` holders at a time and `maxQueued` waiting.
 * A waiter that is cancelled leaves the queue at once: a library's bulkhead was not used because there it keeps its place
 * until its turn comes, so that a burst of cancelled calls shuts out those that still want an answer.
 */
export function createSlots(concurrency: number, maxQueued: number): Slots {
  let free = concurrency
  const waiting = new Set<() => void>()

  const held = (): Slot => {
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
        return held()
      }
      if (waiting.size >= maxQueued) throw overloaded(concurrency, maxQueued)
      const turn = Promise.withResolvers<Slot>()
      const goOn = () => {
        waiting.delete(goOn)
        signal.removeEventListener('abort', giveUp)
        turn.resolve(held())
      }
      const giveUp = () => {
        waiting.delete(goOn)
        turn.reject(cancelled())
      }
      waiting.add(goOn)
      signal.addEventListener('abort', giveUp, { once: true })
      return turn.promise
    },
  }
}

const cancelled = () =>
  new ModelError('model_cancelled', 'The call was cancelled while it waited for its turn.', { neverSent: true })

const overloaded = (concurrency: number, maxQueued: number) =>
  new ModelError(
    'model_overloaded',
    `All ${concurrency} places at the model are taken and ${maxQueued} calls wait already. Try again later.`,
  )
