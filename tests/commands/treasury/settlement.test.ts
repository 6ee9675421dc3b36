import { describe, expect, test } from 'vitest'
import type { RefusalCode } from '../../../src/commands/refusals.ts'
import { account } from '../../../src/commands/aggregates/account.ts'
import { SettleReservation } from '../../../src/commands/treasury/settle-reservation.ts'
import type { AccountEvent } from '../../../src/events/account.ts'
import { given } from '../../support/decider.ts'
import { credited, debited, frozen, id, opened, reservation, reserved } from '../../support/treasury.ts'

const one = reservation(1)
const settle = (actualMicros: number) => ({ account: id('agent:ada'), reservationId: one, actualMicros })
const aggregates = { account, reserve: account, overrun: account, spend: account }
const movement = (amountMicros: number) => ({ transferId: one, amountMicros, reason: 'settles a reservation' })
const debit = (amountMicros: number): AccountEvent => ({
  type: 'AccountDebited',
  data: { ...movement(amountMicros), day: '2026-11-23' },
})
const credit = (amountMicros: number): AccountEvent => ({ type: 'AccountCredited', data: movement(amountMicros) })

/** Ada has $1 and has reserved 60 cents of it for this call. */
const ada = [opened('agent:ada'), credited(1_000_000), reserved(one, 600_000)]
const system = {
  reserve: [opened('reserve'), credited(300_000)],
  overrun: [opened('overrun')],
  spend: [opened('spend')],
}

describe('settling', () => {
  test('pays the cost to `spend` under one id and releases the rest', () => {
    given(aggregates, { ...system, account: ada })
      .when(SettleReservation, settle(400_000))
      .then({
        accepted: {
          account: [
            {
              type: 'ReservationSettled',
              data: {
                reservationId: one,
                reservedMicros: 600_000,
                actualMicros: 400_000,
                aboveMicros: 0,
                fromAccountMicros: 400_000,
                fromReserveMicros: 0,
                fromOverrunMicros: 0,
              },
            },
            debit(400_000),
          ],
          reserve: [],
          overrun: [],
          spend: [credit(400_000)],
        },
      })
  })

  test('moves no money if the cost is zero', () => {
    given(aggregates, { ...system, account: ada })
      .when(SettleReservation, settle(0))
      .thenMatches({
        accepted: {
          account: [{ type: 'ReservationSettled', data: { actualMicros: 0 } }],
          reserve: [],
          overrun: [],
          spend: [],
        },
      })
  })

  test('above the reservation takes the available money of the account first, and records the excess', () => {
    given(aggregates, { ...system, account: ada })
      .when(SettleReservation, settle(1_000_000))
      .thenMatches({
        accepted: {
          account: [
            { type: 'ReservationSettled', data: { aboveMicros: 400_000, fromAccountMicros: 1_000_000 } },
            debit(1_000_000),
          ],
          spend: [credit(1_000_000)],
        },
      })
  })

  test('above the account takes the reserve, then goes into overrun', () => {
    given(aggregates, { ...system, account: ada })
      .when(SettleReservation, settle(1_500_000))
      .thenMatches({
        accepted: {
          account: [
            {
              data: {
                aboveMicros: 900_000,
                fromAccountMicros: 1_000_000,
                fromReserveMicros: 300_000,
                fromOverrunMicros: 200_000,
              },
            },
            debit(1_000_000),
          ],
          reserve: [debit(300_000)],
          overrun: [debit(200_000)],
          spend: [credit(1_500_000)],
        },
      })
  })

  test('spares other reservations on the account and the reserve', () => {
    const promised = {
      ...system,
      account: [...ada, reserved(reservation(2), 400_000)],
      reserve: [...system.reserve, reserved(reservation(3), 250_000)],
    }
    given(aggregates, promised)
      .when(SettleReservation, settle(700_000))
      .thenMatches({
        accepted: {
          account: [
            { data: { fromAccountMicros: 600_000, fromReserveMicros: 50_000, fromOverrunMicros: 50_000 } },
            debit(600_000),
          ],
        },
      })
  })

  test('after the expiry is recorded as late, and paid', () => {
    const late = [
      opened('agent:ada'),
      credited(1_000_000),
      reserved(one, 600_000, '2026-11-23T11:59:59.999Z'),
      debited(800_000, '2026-11-23'),
    ]
    given(aggregates, { ...system, account: late })
      .when(SettleReservation, settle(600_000))
      .thenMatches({
        accepted: {
          account: [
            {
              type: 'LateCostSettled',
              data: {
                reservedMicros: 600_000,
                aboveMicros: 0,
                fromAccountMicros: 200_000,
                fromReserveMicros: 300_000,
                fromOverrunMicros: 100_000,
              },
            },
            debit(200_000),
          ],
        },
      })
  })

  test('exactly at the expiry is in time', () => {
    const just = [opened('agent:ada'), credited(1_000_000), reserved(one, 600_000, '2026-11-23T12:00:00Z')]
    given(aggregates, { ...system, account: just })
      .when(SettleReservation, settle(1))
      .thenMatches({ accepted: { account: [{ type: 'ReservationSettled' }, {}] } })
  })

  test('works on a frozen account, because the cost is incurred', () => {
    const still = { ...system, account: [...ada, frozen], reserve: [...system.reserve, frozen] }
    given(aggregates, still)
      .when(SettleReservation, settle(1_200_000))
      .thenMatches({ accepted: { reserve: [debit(200_000)] } })
  })

  test('opens `spend` and `overrun` if they are absent', () => {
    given(aggregates, { account: ada })
      .when(SettleReservation, settle(1_100_000))
      .thenMatches({
        accepted: {
          reserve: [],
          overrun: [opened('overrun'), debit(100_000)],
          spend: [opened('spend'), credit(1_100_000)],
        },
      })
  })

  test('on the reserve itself falls back only to overrun', () => {
    const reserve = [opened('reserve'), credited(500_000), reserved(one, 500_000)]
    given(aggregates, { overrun: system.overrun, spend: system.spend, account: reserve })
      .when(SettleReservation, { ...settle(600_000), account: id('reserve') })
      .thenMatches({
        accepted: {
          account: [
            { data: { fromAccountMicros: 500_000, fromReserveMicros: 0, fromOverrunMicros: 100_000 } },
            debit(500_000),
          ],
          reserve: [],
          overrun: [debit(100_000)],
        },
      })
  })

  test.each([
    ['was never made', ada.slice(0, 2), 'reservation_not_open'],
    [
      'was settled before',
      [...ada, { type: 'ReservationReleased', data: { reservationId: one, amountMicros: 600_000 } }],
      'reservation_not_open',
    ],
    ['would be on an account that was never opened', [], 'account_unknown'],
  ] as [string, AccountEvent[], RefusalCode][])('is refused for a reservation that %s', (_, history, code) => {
    given(aggregates, { ...system, account: history })
      .when(SettleReservation, settle(1))
      .thenMatches({ refused: code })
  })

  test('refuses only a sum beyond exact integers', () => {
    const full = { ...system, account: ada, spend: [opened('spend'), credited(Number.MAX_SAFE_INTEGER)] }
    given(aggregates, full).when(SettleReservation, settle(1)).thenMatches({ refused: 'amount_too_large' })
    expect(SettleReservation.schema.safeParse(settle(1_000_000_000_001)).success).toBe(false)
  })
})
