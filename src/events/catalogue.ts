import { accountEvents } from './account.ts'
import { agentEvents } from './agent.ts'
import { approvalEvents } from './approval.ts'
import { bountyEvents } from './bounty.ts'
import { budgetEvents } from './budget.ts'
import { chatEvents } from './chat.ts'
import { councilEvents } from './council.ts'
import { electionEvents } from './election.ts'
import type { EventCatalogue, EventDefinition, EventOf, RecordedEvent } from './event.ts'
import { governanceEvents } from './governance.ts'
import { modelCallEvents } from './model-call.ts'
import { policyEvents } from './policy.ts'
import { priceEvents } from './prices.ts'
import { refusalEvents } from './refusals.ts'
import { sealEvents } from './seals.ts'
import { tokenEvents } from './token.ts'
import { treasuryEvents } from './treasury.ts'

/** The event types of each area. */
export const eventAreas = {
  chat: chatEvents,
  modelCall: modelCallEvents,
  council: councilEvents,
  election: electionEvents,
  budget: budgetEvents,
  bounty: bountyEvents,
  agent: agentEvents,
  policy: policyEvents,
  prices: priceEvents,
  account: accountEvents,
  treasury: treasuryEvents,
  governance: governanceEvents,
  approval: approvalEvents,
  token: tokenEvents,
  refusals: refusalEvents,
  seals: sealEvents,
} as const satisfies Record<string, EventCatalogue>

/** Every event type. A type that is missing here stops the reader: no event is ever skipped. */
export const eventCatalogue = {
  ...chatEvents,
  ...modelCallEvents,
  ...councilEvents,
  ...electionEvents,
  ...budgetEvents,
  ...bountyEvents,
  ...agentEvents,
  ...policyEvents,
  ...priceEvents,
  ...refusalEvents,
  ...accountEvents,
  ...treasuryEvents,
  ...governanceEvents,
  ...approvalEvents,
  ...tokenEvents,
  ...sealEvents,
} as const satisfies EventCatalogue

/** Every event, discriminated by `type`. */
export type AnyEvent = EventOf<typeof eventCatalogue>

/** An event as readers of the log get it: upcast, checked against the catalogue, and narrowed by its `type`. */
export type AnyRecordedEvent = RecordedEvent<AnyEvent>

/** The definition of an event type; undefined for an unknown one. */
export const definitionOf = (type: string): EventDefinition | undefined =>
  Object.hasOwn(eventCatalogue, type) ? eventCatalogue[type as AnyEvent['type']] : undefined
