import { z } from 'zod'
import { AccountId, accountStream } from '../../events/account.ts'
import { Micros } from '../../events/amounts.ts'
import { account } from '../aggregates/account.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Sets how much an account may move away or promise in one action and in one day (UTC). 0 means nothing at all. */
export const SetAccountLimits = defineCommand({ account })({
  name: 'SetAccountLimits',
  schema: z.strictObject({ account: AccountId, dailyMicros: Micros, perActionMicros: Micros }),
  recordsRefusals: true,
  reads: (command) => ({ account: accountStream(command.account) }),

  decide({ account: accountId, dailyMicros, perActionMicros }, states) {
    if (states.account.status === 'absent') return refused('account_unknown', { account: accountId })
    return {
      outcome: 'accepted',
      events: { account: [{ type: 'AccountLimitsSet', data: { dailyMicros, perActionMicros } }] },
    }
  },
})
