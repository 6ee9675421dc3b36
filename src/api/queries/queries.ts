import { agentQueries } from './agents.ts'
import { bountyQueries } from './bounties.ts'
import { budgetQueries } from './budgets.ts'
import { chatQueries } from './chats.ts'
import { costQueries } from './costs.ts'
import { electionQueries } from './elections.ts'
import { governanceQueries } from './governance.ts'
import type { Query } from './query.ts'
import { tokenQueries } from './tokens.ts'
import { treasuryQueries } from './treasury.ts'

/** The queries of the public API, by area. */
export const queryAreas: Readonly<Record<string, readonly Query[]>> = {
  chats: chatQueries,
  money: [...budgetQueries, ...costQueries, ...treasuryQueries],
  bounties: bountyQueries,
  agents: agentQueries,
  council: electionQueries,
  governance: governanceQueries,
  access: tokenQueries,
}

/** Every query of the public API. */
export const queries: readonly Query[] = Object.values(queryAreas).flat()
