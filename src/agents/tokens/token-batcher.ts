/** Batches the writes to a token stream. */

import type { WriteOutcome } from './token-stream.ts'

/** The longest delay of a piece of text: below what a reader notices, far above a round trip to Redis. */
const maxWaitMs = 20

/**
 * Batches small pieces of text and writes one batch at a time, in order. A slow writer leads to larger batches, not to a longer
 * queue. After an outcome other than `written`, the batcher writes nothing more.
 */
export type TokenBatcher = {
  add: (text: string) => void
  /** Writes the remaining text and returns the outcome so far. Never rejects. */
  flush: () => Promise<WriteOutcome>
}

export function tokenBatcher(
  write: (text: string) => Promise<WriteOutcome>,
  onStopped: (outcome: 'superseded' | 'lost') => void,
): TokenBatcher {
  let waiting = ''
  let timer: NodeJS.Timeout | undefined
  let outcome: WriteOutcome = 'written'
  let writing = Promise.resolve()

  const writeWaiting = async (): Promise<void> => {
    const text = waiting
    waiting = ''
    if (text === '' || outcome !== 'written') return
    outcome = await write(text).catch(() => 'lost' as const)
    if (outcome !== 'written') onStopped(outcome)
  }
  const schedule = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    return (writing = writing.then(writeWaiting))
  }

  return {
    add(text) {
      waiting += text
      timer ??= setTimeout(() => void schedule(), maxWaitMs)
    },
    async flush() {
      await schedule()
      return outcome
    },
  }
}
