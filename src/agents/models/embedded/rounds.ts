import { setImmediate as nextTurn } from 'node:timers/promises'

/** Work in steps: whatever lies between two yields is one step. It must not throw. */
export type Steps = AsyncGenerator<undefined, void, void>

/**
 * Runs several works in lockstep: in each round every one of them makes one step, all at the same time.
 *
 * llama.cpp evaluates what is asked for at the same moment as one batch, which is much cheaper than one after another. Left to
 * themselves the sequences drift apart, because sampling ends at different times, and then each gets a batch of its own. The
 * library also keeps its lock while anything is queued, so that a new call, which must first erase a sequence, would wait until
 * all running answers are complete. The pause between rounds, when nothing is queued, is where it gets in.
 */
export function createRounds(): { join: (work: Steps) => void } {
  const working = new Set<Steps>()
  let going = false

  async function go(): Promise<void> {
    while (working.size > 0) {
      await Promise.all([...working].map(step))
      await nextTurn()
    }
    going = false
  }
  async function step(work: Steps): Promise<void> {
    const { done } = await work.next()
    if (done) working.delete(work)
  }

  return {
    join: (work) => {
      working.add(work)
      if (going) return
      going = true
      void go()
    },
  }
}
