import { accounts } from './accounts.ts'
import { chats } from './chats.ts'
import { costs } from './costs.ts'
import { elections } from './elections.ts'
import type { ReadModel } from './engine/read-model.ts'
import { members } from './members.ts'

/** Every read model there is, in the order in which they are shown. */
export const readModels: readonly ReadModel[] = [chats, costs, accounts, elections, members]
