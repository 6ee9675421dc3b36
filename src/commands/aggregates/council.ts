import type { CouncilEvent } from '../../events/council.ts'
import type { Aggregate } from '../decider.ts'

/** The hash of the current seating; null before the first one. */
export type Council = { hash: string | null }

export const council: Aggregate<Council, CouncilEvent, 'council'> = {
  category: 'council',
  stateVersion: 1,
  initial: { hash: null },
  evolve: (_, event) => ({ hash: event.data.hash }),
}
