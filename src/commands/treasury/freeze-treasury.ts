import { z } from 'zod'
import { treasuryStream } from '../../events/treasury.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { Reason } from './reason.ts'
import { treasury } from '../aggregates/treasury.ts'

/** The emergency stop: refuses transfers and reservations on every account until it is lifted. Incurred costs are still paid. */
export const FreezeTreasury = defineCommand({ treasury })({
  name: 'FreezeTreasury',
  schema: z.strictObject({ reason: Reason }),
  recordsRefusals: true,
  reads: () => ({ treasury: treasuryStream }),

  decide({ reason }, states) {
    if (states.treasury.frozen) return refused('already_frozen')
    return { outcome: 'accepted', events: { treasury: [{ type: 'TreasuryFrozen', data: { reason } }] } }
  },
})
