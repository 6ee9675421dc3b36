import { z } from 'zod'
import { Mode, modeStream } from '../../events/governance.ts'
import { Reason } from '../treasury/reason.ts'
import { governance } from '../aggregates/governance.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/**
 * Switches the mode. It holds for every action that has not run yet: each reads the mode in its own append. An action that waits already
 * keeps waiting for a person.
 */
export const SwitchMode = defineCommand({ governance })({
  name: 'SwitchMode',
  schema: z.strictObject({ mode: Mode, reason: Reason }),
  recordsRefusals: true,
  reads: () => ({ governance: modeStream }),

  decide({ mode: to, reason }, states, { principal }) {
    const from = states.governance.mode
    if (from === to) return refused('mode_unchanged', { mode: to })
    return {
      outcome: 'accepted',
      events: { governance: [{ type: 'ModeSwitched', data: { from, to, reason, by: principal } }] },
    }
  },
})
