import { type TreasuryEvent, treasuryStream } from '../../events/treasury.ts'
import type { Aggregate } from '../decider.ts'

/** `frozen` is the emergency stop: it refuses transfers and reservations. Incurred costs are still paid. */
export type Treasury = { frozen: boolean }

export const treasury: Aggregate<Treasury, TreasuryEvent, 'governance'> = {
  category: 'governance',
  stateVersion: 1,
  onlyStream: treasuryStream,
  initial: { frozen: false },
  evolve,
}

function evolve(_state: Treasury, event: TreasuryEvent): Treasury {
  switch (event.type) {
    case 'TreasuryFrozen':
      return { frozen: true }
    case 'TreasuryUnfrozen':
      return { frozen: false }
    default:
      return event satisfies never
  }
}
