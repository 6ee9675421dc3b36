/** Runs the steps of several answers in lockstep. */

import { setImmediate as nextTurn } from 'node:timers/promises'

/** Work in steps: the code between two yields is one step. It must not throw. */
export type Steps = AsyncGenerator<undefined, void, void>

/**
 * Runs several works in lockstep: in each round, all of them make one step concurrently.
 *
 * llama.cpp evaluates concurrent requests as one batch, which is much cheaper than separate evaluations. Without lockstep, sequences
 * drift apart because sampling ends at different times, and each gets its own batch. The library also holds its lock while requests
 * are queued, so a new call, which must first erase a sequence, would wait for all running answers. Between rounds the queue is
 * empty, and the new call can acquire the lock.
 */
export function createRounds(): { join: (work: Steps) => void } {
  const working = new Set<Steps>()
  let isRunning = false

  async function runRounds(): Promise<void> {
    while (working.size > 0) {
      await Promise.all([...working].map(step))
      await nextTurn()
    }
    isRunning = false
  }
  async function step(work: Steps): Promise<void> {
    const { done } = await work.next()
    if (done) working.delete(work)
  }

  return {
    join: (work) => {
      working.add(work)
      if (isRunning) return
      isRunning = true
      void runRounds()
    },
  }
}
