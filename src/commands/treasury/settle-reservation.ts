import { z } from 'zod'
import { Micros } from '../../events/amounts.ts'
import { dayOf } from '../../events/day.ts'
import { type AccountEvent, accountStream } from '../../events/account.ts'
import { AccountId, Uuid7 } from '../../events/identifiers.ts'
import { account, availableMicros, isExpired, type Account } from '../aggregates/account.ts'
import { defineCommand } from '../decider.ts'
import { Payer } from './payer.ts'
import { refused } from '../refusals.ts'

const reserveId = AccountId.parse('reserve')
const overrunId = AccountId.parse('overrun')
const spendId = AccountId.parse('spend')

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
    const debit = (amountMicros: number): AccountEvent[] =>
      amountMicros > 0
        ? [{ type: 'AccountDebited', data: { ...movement(reservationId, amountMicros), day: dayOf(now) } }]
        : []
    const credit: AccountEvent[] =
      actualMicros > 0 ? [{ type: 'AccountCredited', data: movement(reservationId, actualMicros) }] : []
    return {
      outcome: 'accepted',
      events: {
        account: [{ type, data }, ...debit(fromAccountMicros)],
        reserve: debit(fromReserveMicros),
        overrun: openedFor(overrunId, states.overrun, debit(fromOverrunMicros)),
        spend: openedFor(spendId, states.spend, credit),
      },
    }
  },
})

const movement = (transferId: string, amountMicros: number) => ({
  transferId,
  amountMicros,
  reason: 'settles a reservation',
})

const balanceOf = (state: Account): number => (state.status === 'absent' ? 0 : state.balanceMicros)

/** Opens the receiving account if needed, so that a cost never waits for it. */
const openedFor = (accountId: AccountId, state: Account, events: AccountEvent[]): AccountEvent[] =>
  state.status === 'absent' && events.length > 0 ? [{ type: 'AccountOpened', data: { accountId } }, ...events] : events
