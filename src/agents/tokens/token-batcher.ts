/** Batches the writes to a token stream. */

import type { WriteOutcome } from './token-stream.ts'

/**
 * Writes pieces of text in order, one write at a time, the first at once. Pieces that come meanwhile are collected for the next write:
 * a slow writer leads to larger batches, not to a longer queue. After an outcome other than `written`, the batcher writes nothing more.
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
  let outcome: WriteOutcome = 'written'
  let writing: Promise<void> | undefined

  async function writeAll(): Promise<void> {
    while (waiting !== '' && outcome === 'written') {
      const text = waiting
      waiting = ''
      outcome = await write(text).catch(() => 'lost' as const)
      if (outcome !== 'written') onStopped(outcome)
    }
    writing = undefined
  }

  return {
    add(text) {
      waiting += text
      writing ??= writeAll()
    },
    async flush() {
      await writing
      return outcome
    },
  }
}
