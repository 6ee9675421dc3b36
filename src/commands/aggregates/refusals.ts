import type { EventOf } from '../../events/event.ts'
import type { refusalEvents } from '../../events/refusals.ts'
import type { Aggregate } from '../decider.ts'

/** `refusals/<yyyy-mm-dd>`: what was asked and not done. */
export const refusalHistory: Aggregate<null, EventOf<typeof refusalEvents>> = {
  category: 'refusals',
  stateVersion: 1,
  initial: null,
  history: true,
  evolve: () => null,
}
