import { z } from 'zod'
import { isTimeZone } from '../../events/day.ts'
import { budgetTerms, PolicyScope, policyStream } from '../../events/policy.ts'
import { policy } from '../aggregates/policy.ts'
import { defineCommand } from '../decider.ts'

/**
 * Sets the standing budget policy of a scope. An open day continues on the new terms from its next reservation on; another time zone
 * may begin another day.
 */
export const SetBudgetPolicy = defineCommand({ policy })({
  name: 'SetBudgetPolicy',
  schema: z.strictObject({
    scope: PolicyScope,
    ...budgetTerms,
    softPercent: budgetTerms.softPercent.default(80),
    onExceed: budgetTerms.onExceed.default('throttle'),
    timeZone: z
      .string()
      .refine(isTimeZone, 'must be a time zone of the IANA database, such as Europe/Berlin')
      .default('UTC'),
  }),
  recordsRefusals: true,
  reads: ({ scope }) => ({ policy: policyStream(scope) }),

  decide: ({ scope, dailyMicros, softPercent, onExceed, timeZone }) => ({
    outcome: 'accepted',
    events: { policy: [{ type: 'BudgetPolicySet', data: { scope, dailyMicros, softPercent, onExceed, timeZone } }] },
  }),
})
