import {
  decideSpeculatively,
  sendAppend,
  type AppendInFlight,
  type Decided,
  type WriteDependencies,
} from './append-batch.ts'
import type { Backoff } from './backoff.ts'
import { takeBatch } from './queue.ts'
import type { Pending } from './types.ts'

/** The appends in flight, oldest first. */
export type InFlight = {
  oldest: () => AppendInFlight | undefined
  /** Sends a decided batch. Commands that did not fit return to the head of the queue. */
  send: (decided: Decided) => void
  /** Removes the oldest append once its answer has arrived. */
  removeOldest: () => void
  /** At the end of this turn, when every caller of the turn has queued its command, sends another append if enough commands wait. */
  scheduleNext: () => void
}

export function createInFlight(dependencies: WriteDependencies, queue: Pending[], backoff: Backoff): InFlight {
  const appends: AppendInFlight[] = []
  let isScheduled = false
  const nextSize = (): number =>
    backoff.pipelinedSize(
      appends.map(({ batch }) => batch.length),
      queue.length,
    )

  function send(decided: Decided): void {
    queue.unshift(...decided.decided.undecided)
    appends.push(sendAppend(dependencies, decided))
    backoff.sent()
    scheduleNext()
  }

  function scheduleNext(): void {
    if (isScheduled || nextSize() === 0) return
    isScheduled = true
    process.nextTick(() => {
      isScheduled = false
      const size = nextSize()
      if (size > 0) sendNext(takeBatch(queue, size))
    })
  }

  function sendNext(batch: readonly Pending[]): void {
    const decided = decideSpeculatively(dependencies, batch, appends)
    if (decided) send(decided)
    else queue.unshift(...batch)
  }

  return { oldest: () => appends[0], send, removeOldest: () => void appends.shift(), scheduleNext }
}
