import type { SealEvent } from '../../events/seals.ts'
import type { Aggregate } from '../decider.ts'

/** `seals/<yyyy-mm-dd>`: seals and the keys that made them. What is sealed was decided elsewhere. */
export const sealHistory: Aggregate<null, SealEvent, 'seals'> = {
  category: 'seals',
  stateVersion: 1,
  initial: null,
  appendOnly: true,
  evolve: () => null,
}
