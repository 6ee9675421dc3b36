import type { SealEvent } from '../../events/seals.ts'
import type { Aggregate } from '../decider.ts'

/** `seals/<yyyy-mm-dd>`: the seals of a day and the keys that signed them. */
export const seals: Aggregate<null, SealEvent, 'seals'> = {
  category: 'seals',
  stateVersion: 1,
  initial: null,
  appendOnly: true,
  evolve: () => null,
}
