import type { RefusalEvent } from '../../events/refusals.ts'
import type { Aggregate } from '../decider.ts'

/** `refusals/<yyyy-mm-dd>`: the recorded refusals of a day. */
export const refusals: Aggregate<null, RefusalEvent, 'refusals'> = {
  category: 'refusals',
  stateVersion: 1,
  initial: null,
  appendOnly: true,
  evolve: () => null,
}
