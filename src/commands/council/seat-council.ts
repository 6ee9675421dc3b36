import { z } from 'zod'
import { councilEvents, councilStream } from '../../events/council.ts'
import { council } from '../aggregates/council.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Records who sits on the council. Refused while the same members sit on it by the same rules. */
export const SeatCouncil = defineCommand({ council })({
  name: 'SeatCouncil',
  schema: z.strictObject({
    councilId: z.string().regex(/^[a-z0-9-]{1,32}$/),
    ...councilEvents.CouncilSeated.data.shape,
  }),
  reads: ({ councilId }) => ({ council: councilStream(councilId) }),

  decide({ councilId: _, ...seating }, states) {
    if (states.council.hash === seating.hash) return refused('already_seated')
    return { outcome: 'accepted', events: { council: [{ type: 'CouncilSeated', data: seating }] } }
  },
})
