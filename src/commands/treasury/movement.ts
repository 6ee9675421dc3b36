import type { AccountEvent, CreditPurpose } from '../../events/account.ts'
import { dayOf } from '../../events/day.ts'
import type { AccountId } from '../../events/identifiers.ts'
import type { Account } from '../aggregates/account.ts'
import { refused, type Refusal } from '../refusals.ts'
import { spendingProblem, usable } from './spending.ts'

type Movement = {
  transferId: string
  from: AccountId
  to: AccountId
  amountMicros: number
  reason: string
  ref?: string | undefined
  /** For money that is no transfer between equals. */
  purpose?: CreditPurpose
}

/**
 * Both sides of a transfer, for one append, or why it is refused: an account is unknown or frozen, a limit or the available balance of
 * the payer does not allow the amount, or a balance would pass what can be counted exactly.
 */
export function transferred(
  { transferId, from, to, amountMicros, reason, ref, purpose }: Movement,
  states: { from: Account; to: Account },
  now: string,
): { from: AccountEvent[]; to: AccountEvent[] } | Refusal {
  const payer = usable(from, states.from)
  if (payer.refusal) return payer.refusal
  const payee = usable(to, states.to)
  if (payee.refusal) return payee.refusal
  const problem = spendingProblem(payer.account, amountMicros, now)
  if (problem) return problem
  for (const balanceMicros of [payer.account.balanceMicros - amountMicros, payee.account.balanceMicros + amountMicros])
    if (!Number.isSafeInteger(balanceMicros)) return refused('amount_too_large', { amountMicros })

  const day = dayOf(now)
  const movement = { transferId, amountMicros, reason, ...(ref && { ref }) }
  return {
    from: [{ type: 'AccountDebited', data: { ...movement, day } }],
    to: [{ type: 'AccountCredited', data: { ...movement, ...(purpose && { purpose }), day } }],
  }
}
