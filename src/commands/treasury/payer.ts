import { AccountId } from '../../events/account.ts'

/** An account that pays for models and tools, and whose money may be promised: the reserve, an agent's, a bounty's. */
export const Payer = AccountId.refine(
  (id) => /^(reserve|agent:|bounty:)/.test(id),
  'must be reserve, agent:<id> or bounty:<id>',
)
