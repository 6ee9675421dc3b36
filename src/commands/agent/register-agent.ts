import { z } from 'zod'
import { accountStream, type AccountEvent } from '../../events/account.ts'
import { agentAccount, AgentId, agentStream } from '../../events/agent.ts'
import { AccountId } from '../../events/identifiers.ts'
import { treasuryStream } from '../../events/treasury.ts'
import { account, defaultAgentLimits, type Account } from '../aggregates/account.ts'
import { agent } from '../aggregates/agent.ts'
import { treasury } from '../aggregates/treasury.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { transferred } from '../treasury/movement.ts'

const reserveId = AccountId.parse('reserve')
/** $50. Source: domain rules, "Treasury". */
const seedMicros = 50_000_000

/**
 * Registers an agent: opens its account with the limits of an agent, and moves its seed there from the reserve, in one append. The seed
 * is refused as every transfer is: while the treasury or the reserve is frozen, or where the reserve cannot pay it.
 */
export const RegisterAgent = defineCommand({ agent, account, reserve: account, treasury })({
  name: 'RegisterAgent',
  schema: z.strictObject({ agentId: AgentId }),
  recordsRefusals: true,
  stake: () => ({ costMicros: seedMicros, risk: 'high' }),
  reads: ({ agentId }) => ({
    agent: agentStream(agentId),
    account: accountStream(agentAccount(agentId)),
    reserve: accountStream(reserveId),
    treasury: treasuryStream,
  }),

  decide({ agentId }, states, { now }) {
    const accountId = agentAccount(agentId)
    if (states.agent.status !== 'absent') return refused('agent_exists', { agent: agentId })
    if (states.account.status !== 'absent') return refused('account_exists', { account: accountId })
    if (states.treasury.frozen) return refused('treasury_frozen')
    const opened: AccountEvent[] = [
      { type: 'AccountOpened', data: { accountId } },
      { type: 'AccountLimitsSet', data: defaultAgentLimits },
    ]
    const seed = transferred(
      {
        transferId: 'seed',
        from: reserveId,
        to: accountId,
        amountMicros: seedMicros,
        reason: 'seeds an agent',
        ref: agentId,
        purpose: 'seed',
      },
      {
        from: states.reserve,
        to: opened.reduce<Account>((state, event) => account.evolve(state, event), states.account),
      },
      now,
    )
    if ('outcome' in seed) return seed
    return {
      outcome: 'accepted',
      events: {
        agent: [{ type: 'AgentRegistered', data: { agentId, account: accountId, seedMicros } }],
        account: [...opened, ...seed.to],
        reserve: seed.from,
      },
    }
  },
})
