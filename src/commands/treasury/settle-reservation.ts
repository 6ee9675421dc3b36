import { z } from 'zod'
import { Micros } from '../../events/amounts.ts'
import { accountStream } from '../../events/account.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { account, availableMicros, isExpired, type Account } from '../aggregates/account.ts'
import { defineCommand } from '../decider.ts'
import { credit, debit, openedFor, overrunId, reserveId, spendId } from './incurred-cost.ts'
import { Payer } from './payer.ts'
import { refused } from '../refusals.ts'

/** The maximum cost of one reservation: $1,000,000 in micro-dollars. */
const maxCostMicros = 1_000_000_000_000

/**
 * Pays the actual cost of a reservation to `spend` and releases the rest. Never refuses incurred costs, even on a frozen account: a
 * cost above the reservation or after its expiry comes from the account's available money, then from `reserve`, then from `overrun`.
 * Source: domain rules, "Treasury".
 */
export const SettleReservation = defineCommand({ account, reserve: account, overrun: account, spend: account })({
  name: 'SettleReservation',
  schema: z.strictObject({ account: Payer, reservationId: Uuid7, actualMicros: Micros.max(maxCostMicros) }),
  recordsRefusals: true,
  stake: ({ actualMicros }) => ({ costMicros: actualMicros, risk: 'low' }),
  reads: (command) => ({
    account: accountStream(command.account),
    reserve: command.account === reserveId ? null : accountStream(reserveId),
    overrun: accountStream(overrunId),
    spend: accountStream(spendId),
  }),

  decide({ account: accountId, reservationId, actualMicros }, states, { now }) {
    if (states.account.status === 'absent') return refused('account_unknown', { account: accountId })
    const reservation = states.account.reservations[reservationId]
    if (!reservation) return refused('reservation_not_open', { account: accountId, reservationId })

    const fromAccountMicros = Math.min(actualMicros, availableMicros(states.account, now, reservationId))
    const fromReserveMicros = Math.min(actualMicros - fromAccountMicros, availableMicros(states.reserve, now))
    const fromOverrunMicros = actualMicros - fromAccountMicros - fromReserveMicros
    if (
      !Number.isSafeInteger(balanceOf(states.spend) + actualMicros) ||
      !Number.isSafeInteger(balanceOf(states.overrun) - fromOverrunMicros)
    )
      return refused('amount_too_large', { amountMicros: actualMicros })

    const reservedMicros = reservation.amountMicros
    const data = {
      reservationId,
      reservedMicros,
      actualMicros,
      aboveMicros: Math.max(0, actualMicros - reservedMicros),
      fromAccountMicros,
      fromReserveMicros,
      fromOverrunMicros,
    }
    const type = isExpired(reservation, now) ? 'LateCostSettled' : 'ReservationSettled'
    const movement = { transferId: reservationId, amountMicros: actualMicros, reason: 'settles a reservation' }
    return {
      outcome: 'accepted',
      events: {
        account: [{ type, data }, ...debit(movement, fromAccountMicros, now)],
        reserve: debit(movement, fromReserveMicros, now),
        overrun: openedFor(overrunId, states.overrun, debit(movement, fromOverrunMicros, now)),
        spend: openedFor(spendId, states.spend, credit(movement, now)),
      },
    }
  },
})

const balanceOf = (state: Account): number => (state.status === 'absent' ? 0 : state.balanceMicros)
