import { z } from 'zod'
import { PositiveMicros } from '../../events/amounts.ts'
import { dayOf } from '../../events/day.ts'
import { treasuryStream } from '../../events/treasury.ts'
import { TransferId, accountStream } from '../../events/account.ts'
import { AccountId } from '../../events/identifiers.ts'
import { account } from '../aggregates/account.ts'
import { defineCommand } from '../decider.ts'
import { Reason } from './reason.ts'
import { refused } from '../refusals.ts'
import { spendingProblem, usable } from './spending.ts'
import { treasury } from '../aggregates/treasury.ts'

/**
 * Transfers money between two accounts in one append. Refused while either account or the whole treasury is frozen. An account pays
 * from its available money; `external`, the source of funding, may go below zero. Only the command id makes a retry safe:
 * docs/decisions/0016-only-the-key-protects-a-transfer.md.
 */
export const TransferFunds = defineCommand({ from: account, to: account, treasury })({
  name: 'TransferFunds',
  schema: z.strictObject({
    /** The caller's name for the transfer, recorded on both accounts. Need not be unique. */
    transferId: TransferId,
    from: AccountId,
    to: AccountId,
    amountMicros: PositiveMicros,
    reason: Reason,
    /** The caller's reference, such as an invoice or a task. */
    ref: z.string().min(1).max(128).optional(),
  }),
  recordsRefusals: true,
  // Money that has left the system cannot be taken back by another transfer.
  stake: ({ to, amountMicros }) => ({ costMicros: amountMicros, risk: to === 'external' ? 'irreversible' : 'medium' }),
  reads: ({ from, to }) => ({ from: accountStream(from), to: accountStream(to), treasury: treasuryStream }),

  decide({ transferId, from, to, amountMicros, reason, ref }, states, { now }) {
    if (from === to) return refused('same_account', { account: from })
    if (states.treasury.frozen) return refused('treasury_frozen')
    const payer = usable(from, states.from)
    if (payer.refusal) return payer.refusal
    const payee = usable(to, states.to)
    if (payee.refusal) return payee.refusal
    const problem = spendingProblem(payer.account, amountMicros, now)
    if (problem) return problem
    for (const balanceMicros of [
      payer.account.balanceMicros - amountMicros,
      payee.account.balanceMicros + amountMicros,
    ])
      if (!Number.isSafeInteger(balanceMicros)) return refused('amount_too_large', { amountMicros })

    const movement = { transferId, amountMicros, reason, ...(ref && { ref }) }
    return {
      outcome: 'accepted',
      events: {
        from: [{ type: 'AccountDebited', data: { ...movement, day: dayOf(now) } }],
        to: [{ type: 'AccountCredited', data: movement }],
      },
    }
  },
})
