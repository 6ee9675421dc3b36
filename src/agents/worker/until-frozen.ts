import type { LogTail } from '../../events/log/read/tail.ts'
import { treasuryStream } from '../../events/treasury.ts'
import type { DeadlineReason } from '../run.ts'

/**
 * Aborts with `treasury_frozen` when the emergency stop is set from now on. It cuts the calls under way; they pay for the tokens that they
 * have used.
 */
export function untilFrozen(tail: Pick<LogTail, 'listen'>): { signal: AbortSignal; stopListening: () => void } {
  const frozen = new AbortController()
  const stopListening = tail.listen(treasuryStream, ({ type }) => {
    if (type === 'TreasuryFrozen') frozen.abort('treasury_frozen' satisfies DeadlineReason)
  })
  return { signal: frozen.signal, stopListening }
}
