import { z } from 'zod'
import { sealEvents, sealsStream } from '../../events/seals.ts'
import { defineCommand } from '../decider.ts'
import { seals } from '../aggregates/seals.ts'

/** Records a seal that the archiver signed. `day`: today in UTC, `yyyy-mm-dd`. */
export const SealLog = defineCommand({ seals })({
  name: 'SealLog',
  schema: z.strictObject({ day: z.iso.date(), ...sealEvents.LogSealed.data.shape }),
  reads: ({ day }) => ({ seals: sealsStream(day) }),

  decide({ day: _, ...data }) {
    return { outcome: 'accepted', events: { seals: [{ type: 'LogSealed', data }] } }
  },
})
