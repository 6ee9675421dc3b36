import { z } from 'zod'
import { accountStream } from '../../events/account.ts'
import { AccountId } from '../../events/identifiers.ts'
import { account } from '../aggregates/account.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { Reason } from './reason.ts'

/** Freezes an account: refuses its transfers and reservations. Incurred costs are still paid. */
export const FreezeAccount = defineCommand({ account })({
  name: 'FreezeAccount',
  schema: z.strictObject({ account: AccountId, reason: Reason }),
  recordsRefusals: true,
  reads: (command) => ({ account: accountStream(command.account) }),

  decide({ account: accountId, reason }, states) {
    if (states.account.status === 'absent') return refused('account_unknown', { account: accountId })
    if (states.account.status === 'frozen') return refused('already_frozen', { account: accountId })
    return { outcome: 'accepted', events: { account: [{ type: 'AccountFrozen', data: { reason } }] } }
  },
})
