import { z } from 'zod'
import { accountStream } from '../../events/account.ts'
import { AccountId } from '../../events/identifiers.ts'
import { account } from '../aggregates/account.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { Reason } from './reason.ts'

/** Allows transfers and reservations on a frozen account again. */
export const UnfreezeAccount = defineCommand({ account })({
  name: 'UnfreezeAccount',
  schema: z.strictObject({ account: AccountId, reason: Reason }),
  recordsRefusals: true,
  reads: (command) => ({ account: accountStream(command.account) }),

  decide({ account: accountId, reason }, states) {
    if (states.account.status === 'absent') return refused('account_unknown', { account: accountId })
    if (states.account.status === 'open') return refused('not_frozen', { account: accountId })
    return { outcome: 'accepted', events: { account: [{ type: 'AccountUnfrozen', data: { reason } }] } }
  },
})
