import { accounts } from './accounts.ts'
import { agents } from './agents.ts'
import { approvals } from './approvals.ts'
import { bounties } from './bounties.ts'
import { budgets } from './budgets.ts'
import { chats } from './chats.ts'
import { costs } from './costs.ts'
import { elections } from './elections.ts'
import type { ReadModel } from './engine/read-model.ts'
import { entries } from './entries.ts'
import { logIndex } from './log-index.ts'
import { members } from './members.ts'
import { modeHistory } from './mode-history.ts'
import { policies } from './policies.ts'
import { prices } from './prices.ts'
import { tokens } from './tokens.ts'

/** Every read model there is, in the order in which they are shown. */
export const readModels: readonly ReadModel[] = [
  chats,
  costs,
  budgets,
  policies,
  prices,
  accounts,
  entries,
  agents,
  bounties,
  elections,
  members,
  approvals,
  modeHistory,
  tokens,
  logIndex,
]
