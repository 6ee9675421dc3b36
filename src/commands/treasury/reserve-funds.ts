import { z } from 'zod'
import { treasuryStream } from '../../events/treasury.ts'
import { accountStream } from '../../events/account.ts'
import { PositiveMicros } from '../../events/amounts.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { account, maxOpenReservations } from '../aggregates/account.ts'
import { bounty } from '../aggregates/bounty.ts'
import { defineCommand } from '../decider.ts'
import { bountyOfEscrow, isLocked } from './escrow-lock.ts'
import { Payer } from './payer.ts'
import { refused } from '../refusals.ts'
import { spendingProblem, usable } from './spending.ts'
import { treasury } from '../aggregates/treasury.ts'

const maxHoldMs = 7 * 86_400_000

/** Reserves money of an account until `expiresAt`. */
export const ReserveFunds = defineCommand({ account, treasury, bounty })({
  name: 'ReserveFunds',
  schema: z.strictObject({
    account: Payer,
    /** The command id, so a retry never reserves twice. */
    reservationId: Uuid7,
    amountMicros: PositiveMicros,
    expiresAt: z.iso.datetime(),
  }),
  recordsRefusals: true,
  stake: ({ amountMicros }) => ({ costMicros: amountMicros, risk: 'low' }),
  reads: (command) => ({
    account: accountStream(command.account),
    treasury: treasuryStream,
    bounty: bountyOfEscrow(command.account),
  }),

  decide({ account: accountId, reservationId, amountMicros, expiresAt }, states, { now }) {
    if (states.treasury.frozen) return refused('treasury_frozen')
    if (isLocked(states.bounty)) return refused('escrow_locked', { account: accountId })
    const payer = usable(accountId, states.account)
    if (payer.refusal) return payer.refusal
    const nowMs = Date.parse(now)
    const expiresAtMs = Date.parse(expiresAt)
    if (expiresAtMs <= nowMs || expiresAtMs > nowMs + maxHoldMs)
      return refused('expiry_out_of_range', { expiresAt, latest: new Date(nowMs + maxHoldMs).toISOString() })
    if (payer.account.reservations[reservationId]) return refused('reservation_exists', { reservationId })
    const problem = spendingProblem(payer.account, amountMicros, now)
    if (problem) return problem
    const promised = Object.values(payer.account.reservations).reduce(
      (sum, reservation) => sum + reservation.amountMicros,
      amountMicros,
    )
    if (!Number.isSafeInteger(promised)) return refused('amount_too_large', { amountMicros })
    const open = Object.keys(payer.account.reservations).length
    if (open >= maxOpenReservations)
      return refused('too_many_reservations', { account: accountId, open, limit: maxOpenReservations })
    return {
      outcome: 'accepted',
      events: { account: [{ type: 'FundsReserved', data: { reservationId, amountMicros, expiresAt } }] },
    }
  },
})
