import { takeBatch } from './gate-queue.ts'
import type { Pending } from './gate-types.ts'
import { decideAhead, type Decided, type Flight, type WriteDependencies } from './gate-write.ts'

/** So many waiting commands are worth an append of their own: they are decided while another one is in flight. */
export const worthDecidingAhead = 32

/**
 * What is decided while an append is in flight, on the states that it will lead to. It costs no time then; and nobody hears of
 * it, should the append not be applied.
 */
export type LookAhead = {
  /** An append is in flight. */
  begin: (flight: Flight) => void
  /** Commands have come. Enough of them are taken from the queue at the end of this turn, when all are there who come together. */
  look: () => void
  /** It has landed: what was decided meanwhile, if anything. */
  end: () => Decided | null
}

export function lookAhead(dependencies: WriteDependencies, queue: Pending[]): LookAhead {
  let inFlight: Flight | null = null
  let ahead: Decided | null = null
  let isWaiting = false

  function take(): void {
    isWaiting = false
    if (ahead || !inFlight || queue.length < worthDecidingAhead) return
    const batch = takeBatch(queue, queue.length)
    ahead = decideAhead(dependencies, batch, inFlight)
    if (!ahead) queue.unshift(...batch)
  }

  const look = (): void => {
    if (isWaiting || ahead || !inFlight || queue.length < worthDecidingAhead) return
    isWaiting = true
    process.nextTick(take)
  }

  return {
    look,
    begin(flight) {
      inFlight = flight
      look()
    },
    end() {
      const decided = ahead
      ahead = inFlight = null
      return decided
    },
  }
}
