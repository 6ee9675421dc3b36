import type { Pace } from './backoff.ts'
import { takeBatch } from './queue.ts'
import type { Pending } from './types.ts'
import { decideBehind, send, type Decided, type Flight, type WriteDependencies } from './append-batch.ts'

/** The appends in flight, in the order of their sending. */
export type Flights = {
  oldest: () => Flight | undefined
  /** Sends what was decided. What did not fit into it waits on, first in the queue. */
  takeOff: (decided: Decided) => void
  /** The oldest is not in flight any more. */
  landed: () => void
  /** Looks, at the end of this turn, when all are there who come together, whether enough wait to be sent behind what is in flight. */
  followSoon: () => void
}

export function createFlights(dependencies: WriteDependencies, queue: Pending[], pace: Pace): Flights {
  const flights: Flight[] = []
  let isAboutToFollow = false
  const sizeBehind = (): number => pace.behind(flights.map(({ batch }) => batch.length), queue.length)

  function takeOff(decided: Decided): void {
    queue.unshift(...decided.decided.undecided)
    flights.push(send(dependencies, decided))
    pace.sent()
    followSoon()
  }

  function followSoon(): void {
    if (isAboutToFollow || sizeBehind() === 0) return
    isAboutToFollow = true
    process.nextTick(() => {
      isAboutToFollow = false
      const size = sizeBehind()
      if (size > 0) follow(takeBatch(queue, size))
    })
  }

  function follow(batch: readonly Pending[]): void {
    const decided = decideBehind(dependencies, batch, flights)
    if (decided) takeOff(decided)
    else queue.unshift(...batch)
  }

  return { oldest: () => flights[0], takeOff, landed: () => void flights.shift(), followSoon }
}
