import { describe, expect, test } from 'vitest'
import type { RefusalCode } from '../../../src/commands/refusals.ts'
import { account, maxOpenReservations } from '../../../src/commands/aggregates/account.ts'
import { AdvanceAccount } from '../../../src/commands/treasury/advance-account.ts'
import { ReleaseReservation } from '../../../src/commands/treasury/release-reservation.ts'
import { ReserveFunds } from '../../../src/commands/treasury/reserve-funds.ts'
import { SettleReservation } from '../../../src/commands/treasury/settle-reservation.ts'
import type { AccountEvent } from '../../../src/events/account.ts'
import { given } from '../../support/decider.ts'
import { after, credited, debited, frozen, id, limited, opened, reservation, reserved } from '../../support/treasury.ts'

const expiresAt = '2026-11-23T12:15:00.000Z'
const reserve = { account: id('agent:ada'), reservationId: reservation(9), amountMicros: 1000, expiresAt }
const ada = [opened('agent:ada'), credited(1500)]

const holding = (...history: AccountEvent[]) => given(ReserveFunds.aggregates, { account: history })

describe('reserving', () => {
  test('reserves money until a time', () => {
    holding(...ada)
      .when(ReserveFunds, reserve)
      .then({ accepted: { account: [reserved(reservation(9), 1000, expiresAt)] } })
  })

  test('counts other reservations', () => {
    holding(...ada, reserved(reservation(1), 501))
      .when(ReserveFunds, reserve)
      .then({
        refused: 'insufficient_funds',
        details: { account: 'agent:ada', availableMicros: 999, amountMicros: 1000 },
      })
  })

  test.each([
    ['an account that was never opened', [], 'account_unknown'],
    ['a frozen account', [...ada, frozen], 'account_frozen'],
    ['an account with a lower limit per action', [...ada, limited(5000, 999)], 'action_limit_exceeded'],
    [
      'an account that has used up its daily limit',
      [...ada, limited(1000, 1000), debited(1, '2026-11-23')],
      'daily_limit_exceeded',
    ],
  ] as const)('is refused on %s', (_, history, code) => {
    holding(...history)
      .when(ReserveFunds, reserve)
      .thenMatches({ refused: code })
  })

  test('is refused while the whole treasury is frozen', () => {
    given(ReserveFunds.aggregates, { account: ada, treasury: [{ type: 'TreasuryFrozen', data: { reason: 'x' } }] })
      .when(ReserveFunds, reserve)
      .then({ refused: 'treasury_frozen' })
  })

  test('under an id that is open is refused', () => {
    holding(...ada, reserved(reservation(9), 1))
      .when(ReserveFunds, reserve)
      .thenMatches({ refused: 'reservation_exists' })
  })

  test.each(['2026-11-23T12:00:00.000Z', '2026-11-23T11:00:00Z', '2026-11-30T12:00:00.001Z'])(
    'until %s is refused: it ends in the future and within a week',
    (moment) => {
      holding(...ada)
        .when(ReserveFunds, { ...reserve, expiresAt: moment })
        .then({ refused: 'expiry_out_of_range', details: { expiresAt: moment, latest: '2026-11-30T12:00:00.000Z' } })
    },
  )

  test.each(['spend', 'external', 'overrun'])('on %s is malformed', (name) => {
    expect(ReserveFunds.schema.safeParse({ ...reserve, account: name }).success).toBe(false)
  })
})

describe('an account with many reservations', () => {
  const rich = [opened('agent:ada'), credited(Number.MAX_SAFE_INTEGER)]
  const many = (expiry: string, amountMicros = 1) =>
    Array.from({ length: maxOpenReservations }, (_, n) => reserved(reservation(n + 1000), amountMicros, expiry))

  test('refuses a reservation above the maximum', () => {
    holding(...rich, ...many(expiresAt))
      .when(ReserveFunds, reserve)
      .then({ refused: 'too_many_reservations', details: { account: 'agent:ada', open: 500, limit: 500 } })
  })

  test('refuses a sum of reservations beyond exact integers, including expired ones', () => {
    const expired = reserved(reservation(1), Number.MAX_SAFE_INTEGER, '2026-11-23T11:00:00.000Z')
    holding(...rich, expired)
      .when(ReserveFunds, { ...reserve, amountMicros: 1 })
      .thenMatches({ refused: 'amount_too_large' })
  })

  test('stays below the size limit of a state, with every number at its longest', () => {
    const full = after(
      ...rich,
      limited(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
      ...many(expiresAt, Number.MAX_SAFE_INTEGER),
    )
    expect(JSON.stringify(full).length).toBeLessThan(60_000)
  })
})

describe('releasing', () => {
  const command = { account: id('agent:ada'), reservationId: reservation(1) }
  const released: AccountEvent = {
    type: 'ReservationReleased',
    data: { reservationId: reservation(1), amountMicros: 700 },
  }

  test('releases the reservation, also on a frozen account', () => {
    given({ account }, { account: [...ada, reserved(reservation(1), 700), frozen] })
      .when(ReleaseReservation, command)
      .then({ accepted: { account: [released] } })
  })

  test.each([
    ['was never made', [...ada], 'reservation_not_open'],
    ['was released', [...ada, reserved(reservation(1), 700), released], 'reservation_not_open'],
    ['is on an account that was never opened', [], 'account_unknown'],
  ] as [string, AccountEvent[], RefusalCode][])('is refused for one that %s', (_, history, code) => {
    given({ account }, { account: history }).when(ReleaseReservation, command).thenMatches({ refused: code })
  })
})

describe('the clock', () => {
  const command = { account: id('agent:ada') }
  const expiring = (at: string, ...history: AccountEvent[]) =>
    given({ account }, { account: history }, at).when(AdvanceAccount, command)
  const expired = (n: number, amountMicros: number): AccountEvent => ({
    type: 'ReservationExpired',
    data: { reservationId: reservation(n), amountMicros },
  })
  const held = [...ada, reserved(reservation(1), 700, '2026-11-23T12:00:00.000Z')]

  test('expires a reservation once no command about it can be repeated: a late cost finds it until then', () => {
    const lastRepeat = '2026-11-24T12:00:00.000Z'
    expiring(lastRepeat, ...held).then({ refused: 'nothing_due' })
    expiring('2026-11-24T12:00:00.001Z', ...held).then({ accepted: { account: [expired(1, 700)] } })
    expect(account.nextDeadlineMs?.(after(...held))).toBe(Date.parse(lastRepeat) + 1)
    const late = { account: id('agent:ada'), reservationId: reservation(1), actualMicros: 5 }
    const states = { account, reserve: account, overrun: account, spend: account }
    given(states, { account: held }, lastRepeat)
      .when(SettleReservation, late)
      .thenMatches({ accepted: { account: [{ type: 'LateCostSettled' }, { type: 'AccountDebited' }] } })
  })

  test('expires the oldest first, a few at a time, and stays due until none is left', () => {
    const rich = [opened('agent:ada'), credited(1_000)]
    const at = (n: number) => `2026-11-22T11:00:${String(59 - n).padStart(2, '0')}.000Z`
    const many = Array.from({ length: 20 }, (_, n) => reserved(reservation(n), 1, at(n)))
    const { decision } = expiring('2026-11-23T12:00:00.000Z', ...rich, ...many)
    const events = decision.outcome === 'accepted' ? (decision.events.account ?? []) : []
    expect(events).toEqual(Array.from({ length: 16 }, (_, n) => expired(19 - n, 1)))
    expect(account.nextDeadlineMs?.(after(...rich, ...many, ...events))).toBe(Date.parse('2026-11-23T11:00:56.001Z'))
  })

  test('acts on a frozen account too, and not on one without reservations', () => {
    expiring('2026-11-24T12:00:00.001Z', ...held, frozen).then({ accepted: { account: [expired(1, 700)] } })
    expiring('2026-11-24T12:00:00.001Z', ...ada).then({ refused: 'nothing_due' })
    expiring('2026-11-24T12:00:00.001Z').then({ refused: 'account_unknown', details: { account: 'agent:ada' } })
    expect(account.nextDeadlineMs?.(after(...ada))).toBeNull()
  })
})

describe('the fold of an account', () => {
  test.each([
    ['money before it was opened', [credited(1)]],
    ['more money taken than there is', [opened('reserve'), debited(1, '2026-11-23')]],
    [
      'one reservation resolved twice',
      [...ada, { type: 'ReservationExpired', data: { reservationId: reservation(1), amountMicros: 1 } }],
    ],
    ['one reservation made twice', [...ada, reserved(reservation(1), 1), reserved(reservation(1), 1)]],
    ['more than can be counted exactly', [opened('reserve'), credited(Number.MAX_SAFE_INTEGER), credited(1)]],
  ] as [string, AccountEvent[]][])('stops at %s', (_, history) => {
    expect(() => after(...history)).toThrow()
  })
})
