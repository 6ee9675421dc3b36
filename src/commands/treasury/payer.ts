import { AccountId } from '../../events/identifiers.ts'

/** An account that pays for models and tools and can hold reservations: the reserve, an agent or a bounty. */
export const Payer = AccountId.refine(
  (id) => /^(reserve|agent:|bounty:)/.test(id),
  'must be reserve, agent:<id> or bounty:<id>',
)
