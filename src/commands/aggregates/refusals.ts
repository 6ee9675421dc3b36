import type { RefusalEvent } from '../../events/refusals.ts'
import type { Aggregate } from '../decider.ts'

/** `refusals/<yyyy-mm-dd>`: what was asked and not done. */
export const refusalHistory: Aggregate<null, RefusalEvent, 'refusals'> = {
  category: 'refusals',
  stateVersion: 1,
  initial: null,
  appendOnly: true,
  evolve: () => null,
}
