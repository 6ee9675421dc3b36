import { z } from 'zod'
import { sealEvents, sealsStream } from '../../events/seals.ts'
import { defineCommand } from '../decider.ts'
import { seals } from '../aggregates/seals.ts'

/** Records a new sealing key, signed by the previous key. `day`: today in UTC, `yyyy-mm-dd`. */
export const IntroduceSealingKey = defineCommand({ seals })({
  name: 'IntroduceSealingKey',
  schema: z.strictObject({ day: z.iso.date(), ...sealEvents.SealingKeyIntroduced.data.shape }),
  reads: ({ day }) => ({ seals: sealsStream(day) }),

  decide({ day: _, ...data }) {
    return { outcome: 'accepted', events: { seals: [{ type: 'SealingKeyIntroduced', data }] } }
  },
})
