import { z } from 'zod'
import { type AccountEvent, accountStream } from '../../events/account.ts'
import { AccountId } from '../../events/identifiers.ts'
import { account, defaultAgentLimits } from '../aggregates/account.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Opens an empty account. An agent's account starts with the default limits. */
export const OpenAccount = defineCommand({ account })({
  name: 'OpenAccount',
  schema: z.strictObject({ account: AccountId }),
  recordsRefusals: true,
  reads: (command) => ({ account: accountStream(command.account) }),

  decide({ account: accountId }, states) {
    if (states.account.status !== 'absent') return refused('account_exists', { account: accountId })
    const opened: AccountEvent = { type: 'AccountOpened', data: { accountId } }
    const limited: AccountEvent = { type: 'AccountLimitsSet', data: defaultAgentLimits }
    return { outcome: 'accepted', events: { account: accountId.startsWith('agent:') ? [opened, limited] : [opened] } }
  },
})
