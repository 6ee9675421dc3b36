import { z } from 'zod'
import { PositiveMicros } from '../../events/amounts.ts'
import { treasuryStream } from '../../events/treasury.ts'
import { TransferId, accountStream } from '../../events/account.ts'
import { AccountId } from '../../events/identifiers.ts'
import { account } from '../aggregates/account.ts'
import { bounty } from '../aggregates/bounty.ts'
import { defineCommand } from '../decider.ts'
import { bountyOfEscrow, isLocked } from './escrow-lock.ts'
import { transferred } from './movement.ts'
import { Reason } from './reason.ts'
import { refused } from '../refusals.ts'
import { treasury } from '../aggregates/treasury.ts'

/**
 * Transfers money between two accounts in one append. Refused while either account or the whole treasury is frozen. An account pays
 * from its available money; `external`, the source of funding, may go below zero. The escrow of a bounty pays only as the bounty says. Only the command id makes a retry safe:
 * docs/decisions/0016-only-the-key-protects-a-transfer.md.
 */
export const TransferFunds = defineCommand({ from: account, to: account, treasury, bounty })({
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
  reads: ({ from, to }) => ({
    from: accountStream(from),
    to: accountStream(to),
    treasury: treasuryStream,
    bounty: bountyOfEscrow(from),
  }),

  decide(movement, states, { now }) {
    const { from, to } = movement
    if (from === to) return refused('same_account', { account: from })
    if (states.treasury.frozen) return refused('treasury_frozen')
    if (isLocked(states.bounty)) return refused('escrow_locked', { account: from })
    const moved = transferred(movement, states, now)
    return 'outcome' in moved ? moved : { outcome: 'accepted', events: moved }
  },
})
