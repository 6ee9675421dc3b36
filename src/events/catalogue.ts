import { accountEvents } from './account.ts'
import { budgetEvents } from './budget.ts'
import { chatEvents } from './chat.ts'
import type { EventCatalogue } from './event.ts'
import { refusalEvents } from './refusals.ts'
import { sealEvents } from './seals.ts'
import { treasuryEvents } from './treasury.ts'

/** Every event type that exists. A type that is not here stops whoever reads the log: nothing is ever skipped unseen. */
export const eventCatalogue: EventCatalogue = {
  ...chatEvents,
  ...budgetEvents,
  ...refusalEvents,
  ...accountEvents,
  ...treasuryEvents,
  ...sealEvents,
}
