import { bountyQueries } from './bounties.ts'
import { budgetQueries } from './budgets.ts'
import { chatQueries } from './chats.ts'
import { costQueries } from './costs.ts'
import { electionQueries } from './elections.ts'
import { governanceQueries } from './governance.ts'
import type { Query } from './query.ts'
import { tokenQueries } from './tokens.ts'
import { treasuryQueries } from './treasury.ts'

/** Every query of the public API. */
export const queries: readonly Query[] = [
  ...treasuryQueries,
  ...chatQueries,
  ...budgetQueries,
  ...costQueries,
  ...bountyQueries,
  ...electionQueries,
  ...governanceQueries,
  ...tokenQueries,
]
