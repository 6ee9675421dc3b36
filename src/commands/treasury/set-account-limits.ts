import { z } from 'zod'
import { accountStream } from '../../events/account.ts'
import { AccountId } from '../../events/identifiers.ts'
import { Micros } from '../../events/amounts.ts'
import { account } from '../aggregates/account.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Limits how much an account may transfer or reserve per action and per day (UTC). 0 forbids both. */
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
