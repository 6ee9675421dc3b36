import { z } from 'zod'
import { treasuryStream } from '../../events/treasury.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { Reason } from './reason.ts'
import { treasury } from '../aggregates/treasury.ts'

/** Lifts the emergency stop. Individually frozen accounts stay frozen. */
export const UnfreezeTreasury = defineCommand({ treasury })({
  name: 'UnfreezeTreasury',
  schema: z.strictObject({ reason: Reason }),
  recordsRefusals: true,
  reads: () => ({ treasury: treasuryStream }),

  decide({ reason }, states) {
    if (!states.treasury.frozen) return refused('not_frozen')
    return { outcome: 'accepted', events: { treasury: [{ type: 'TreasuryUnfrozen', data: { reason } }] } }
  },
})
