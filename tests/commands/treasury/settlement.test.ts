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
const credit = (amountMicros: number): AccountEvent => ({
  type: 'AccountCredited',
  data: { ...movement(amountMicros), day: '2026-11-23' },
})

/** Ada has $1 and has reserved 60 cents of it for this call. */
const ada = [opened('agent:ada'), credited(1_000_000), reserved(one, 600_000)]
const system = {
  reserve: [opened('reserve'), credited(300_000)],
  overrun: [opened('overrun')],
  spend: [opened('spend')],
}

/** Settles Ada's reservation at this cost, after these events of her account and of the system's accounts. */
const settling = (actualMicros: number, history: AccountEvent[] = ada, others: Partial<typeof system> = system) =>
  given(aggregates, { ...others, account: history }).when(SettleReservation, settle(actualMicros))

describe('settling', () => {
  test('pays the cost to `spend` under one id and releases the rest', () => {
    const data = {
      reservationId: one,
      reservedMicros: 600_000,
      actualMicros: 400_000,
      aboveMicros: 0,
      fromAccountMicros: 400_000,
      fromReserveMicros: 0,
      fromOverrunMicros: 0,
    }
    settling(400_000).then({
      accepted: {
        account: [{ type: 'ReservationSettled', data }, debit(400_000)],
        reserve: [],
        overrun: [],
        spend: [credit(400_000)],
      },
    })
  })

  test('moves no money if the cost is zero', () => {
    const account = [{ type: 'ReservationSettled', data: { actualMicros: 0 } }]
    settling(0).thenMatches({ accepted: { account, reserve: [], overrun: [], spend: [] } })
  })

  test('above the reservation takes the available money of the account first, and records the excess', () => {
    const settled = { type: 'ReservationSettled', data: { aboveMicros: 400_000, fromAccountMicros: 1_000_000 } }
    settling(1_000_000).thenMatches({ accepted: { account: [settled, debit(1_000_000)], spend: [credit(1_000_000)] } })
  })

  test('above the account takes the reserve, then goes into overrun', () => {
    const paid = { fromAccountMicros: 1_000_000, fromReserveMicros: 300_000, fromOverrunMicros: 200_000 }
    settling(1_500_000).thenMatches({
      accepted: {
        account: [{ data: { aboveMicros: 900_000, ...paid } }, debit(1_000_000)],
        reserve: [debit(300_000)],
        overrun: [debit(200_000)],
        spend: [credit(1_500_000)],
      },
    })
  })

  test('spares other reservations on the account and the reserve', () => {
    const reserve = [...system.reserve, reserved(reservation(3), 250_000)]
    const paid = { fromAccountMicros: 600_000, fromReserveMicros: 50_000, fromOverrunMicros: 50_000 }
    settling(700_000, [...ada, reserved(reservation(2), 400_000)], { ...system, reserve }).thenMatches({
      accepted: { account: [{ data: paid }, debit(600_000)] },
    })
  })

  test('after the expiry is recorded as late, and paid', () => {
    const late = [
      opened('agent:ada'),
      credited(1_000_000),
      reserved(one, 600_000, '2026-11-23T11:59:59.999Z'),
      debited(800_000, '2026-11-23'),
    ]
    const paid = { fromAccountMicros: 200_000, fromReserveMicros: 300_000, fromOverrunMicros: 100_000 }
    const data = { reservedMicros: 600_000, aboveMicros: 0, ...paid }
    settling(600_000, late).thenMatches({ accepted: { account: [{ type: 'LateCostSettled', data }, debit(200_000)] } })
  })

  test('exactly at the expiry is in time', () => {
    const just = [opened('agent:ada'), credited(1_000_000), reserved(one, 600_000, '2026-11-23T12:00:00Z')]
    settling(1, just).thenMatches({ accepted: { account: [{ type: 'ReservationSettled' }, {}] } })
  })

  test('works on a frozen account, because the cost is incurred', () => {
    const others = { ...system, reserve: [...system.reserve, frozen] }
    settling(1_200_000, [...ada, frozen], others).thenMatches({ accepted: { reserve: [debit(200_000)] } })
  })

  test('opens `spend` and `overrun` if they are absent', () => {
    settling(1_100_000, ada, {}).thenMatches({
      accepted: {
        reserve: [],
        overrun: [opened('overrun'), debit(100_000)],
        spend: [opened('spend'), credit(1_100_000)],
      },
    })
  })

  test('on the reserve itself falls back only to overrun', () => {
    const history = [opened('reserve'), credited(500_000), reserved(one, 500_000)]
    const paid = { fromAccountMicros: 500_000, fromReserveMicros: 0, fromOverrunMicros: 100_000 }
    given(aggregates, { overrun: system.overrun, spend: system.spend, account: history })
      .when(SettleReservation, { ...settle(600_000), account: id('reserve') })
      .thenMatches({ accepted: { account: [{ data: paid }, debit(500_000)], reserve: [], overrun: [debit(100_000)] } })
  })

  test.each([
    ['was never made', ada.slice(0, 2), 'reservation_not_open'],
    [
      'was settled before',
      [...ada, { type: 'ReservationReleased', data: { reservationId: one, amountMicros: 600_000 } }],
      'reservation_not_open',
    ],
    ['is on an account that was never opened', [], 'account_unknown'],
  ] as [string, AccountEvent[], RefusalCode][])('is refused for a reservation that %s', (_, history, code) => {
    settling(1, history).thenMatches({ refused: code })
  })

  test('refuses only a sum beyond exact integers', () => {
    const full = { ...system, spend: [opened('spend'), credited(Number.MAX_SAFE_INTEGER)] }
    settling(1, ada, full).thenMatches({ refused: 'amount_too_large' })
    expect(SettleReservation.schema.safeParse(settle(1_000_000_000_001)).success).toBe(false)
  })
})
