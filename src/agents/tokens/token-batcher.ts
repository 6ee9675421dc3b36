import type { WriteOutcome } from './token-stream.ts'

/** Text waits at most this long before it goes out: below what a reader notices, far above a round trip to Redis. */
const maxWaitMs = 20

/**
 * Collects small pieces of text and writes them one batch at a time, in order. A slow writer makes larger batches,
 * never a longer queue. After an outcome other than `written` nothing more is written.
 */
export type TokenBatcher = {
  add: (text: string) => void
  /** Writes what is left and tells how it went so far. Never rejects. */
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
