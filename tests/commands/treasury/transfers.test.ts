import { describe, expect, test } from 'vitest'
import { account } from '../../../src/commands/aggregates/account.ts'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { SetAccountLimits } from '../../../src/commands/treasury/set-account-limits.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
import { treasury } from '../../../src/commands/aggregates/treasury.ts'
import type { AccountEvent } from '../../../src/events/account.ts'
import type { TreasuryEvent } from '../../../src/events/treasury.ts'
import { given } from '../../support/decider.ts'
import { credited, debited, frozen, id, limited, opened, reservation, reserved } from '../../support/treasury.ts'

const transfer = {
  transferId: 't1',
  from: id('reserve'),
  to: id('agent:ada'),
  amountMicros: 5_000_000,
  reason: 'seed money',
}
const ada = [opened('agent:ada')]
const stopped: TreasuryEvent = { type: 'TreasuryFrozen', data: { reason: 'intrusion' } }

/** payer(what happened to the reserve) asked for a transfer of $5 to Ada. */
const payer = (...from: AccountEvent[]) => given({ from: account, to: account, treasury }, { from, to: ada })

describe('opening an account', () => {
  test('opens it empty', () => {
    expect(given({ account }, {}).when(OpenAccount, { account: id('reserve') })).toEqual({
      outcome: 'accepted',
      events: { account: [opened('reserve')] },
    })
  })

  test("gives an agent's the default limits, $100 a day and $10 an action", () => {
    expect(given({ account }, {}).when(OpenAccount, { account: id('agent:ada') })).toEqual({
      outcome: 'accepted',
      events: { account: [opened('agent:ada'), limited(100_000_000, 10_000_000)] },
    })
  })

  test('is refused where there is one', () => {
    const decision = given({ account }, { account: ada }).when(OpenAccount, { account: id('agent:ada') })
    expect(decision).toEqual({ outcome: 'refused', code: 'account_exists', details: { account: 'agent:ada' } })
  })

  test.each([
    '',
    'Reserve',
    'agent:',
    'agent:a b',
    'bounty:../reserve',
    'bank',
    'agent:a:b',
    `agent:${'x'.repeat(65)}`,
  ])('knows no account %j', (name) => {
    expect(OpenAccount.schema.safeParse({ account: name }).success).toBe(false)
  })
})

describe('a transfer', () => {
  test('moves the amount from one account to the other, under one id', () => {
    const movement = { transferId: 't1', amountMicros: 5_000_000, reason: 'seed money' }
    expect(payer(opened('reserve'), credited(5_000_000)).when(TransferFunds, transfer)).toEqual({
      outcome: 'accepted',
      events: {
        from: [{ type: 'AccountDebited', data: { ...movement, day: '2026-11-23' } }],
        to: [{ type: 'AccountCredited', data: movement }],
      },
    })
  })

  test('cannot spend what is reserved, and says what is left', () => {
    expect(
      payer(opened('reserve'), credited(6_000_000), reserved(reservation(1), 2_000_000)).when(TransferFunds, transfer),
    ).toEqual({
      outcome: 'refused',
      code: 'insufficient_funds',
      details: { account: 'reserve', availableMicros: 4_000_000, amountMicros: 5_000_000 },
    })
  })

  test('may spend what was reserved until a moment that has passed', () => {
    const expired = reserved(reservation(1), 6_000_000, '2026-11-23T11:59:59.999Z')
    expect(payer(opened('reserve'), credited(6_000_000), expired).when(TransferFunds, transfer)).toMatchObject({
      outcome: 'accepted',
    })
  })

  test('from outside is how funding comes in: that account has no bottom', () => {
    const decision = given(
      { from: account, to: account, treasury },
      { from: [opened('external')], to: [opened('reserve')] },
    ).when(TransferFunds, { ...transfer, from: id('external'), to: id('reserve') })
    expect(decision).toMatchObject({ outcome: 'accepted' })
  })

  test.each(['reserve', 'agent:bob', 'bounty:b1', 'spend', 'overrun'])(
    'from `%s` moves what is available there, and not a micro-dollar more',
    (name) => {
      const paying = (amountMicros: number) =>
        given(
          { from: account, to: account, treasury },
          { from: [opened(name), credited(7_000_000), reserved(reservation(1), 2_000_000)], to: ada },
        ).when(TransferFunds, { ...transfer, from: id(name), amountMicros })
      expect(paying(5_000_000)).toMatchObject({ outcome: 'accepted' })
      expect(paying(5_000_001)).toEqual({
        outcome: 'refused',
        code: 'insufficient_funds',
        details: { account: name, availableMicros: 5_000_000, amountMicros: 5_000_001 },
      })
    },
  )

  test('from outside goes below zero, as often as is asked for', () => {
    const outside = [opened('external'), debited(5_000_000, '2026-11-23')]
    expect(
      given({ from: account, to: account, treasury }, { from: outside, to: ada }).when(TransferFunds, {
        ...transfer,
        from: id('external'),
      }),
    ).toMatchObject({ outcome: 'accepted' })
  })

  test('cannot take from `overrun` what is not there: only incurred cost makes it negative', () => {
    const decision = given({ from: account, to: account, treasury }, { from: [opened('overrun')], to: ada }).when(
      TransferFunds,
      { ...transfer, from: id('overrun') },
    )
    expect(decision).toMatchObject({ outcome: 'refused', code: 'insufficient_funds' })
  })

  test.each([
    ['an account that was never opened', [], 'account_unknown'],
    ['a frozen account', [opened('reserve'), credited(9_000_000), frozen], 'account_frozen'],
  ] as const)('is refused from %s', (_, history, code) => {
    expect(payer(...history).when(TransferFunds, transfer)).toEqual({
      outcome: 'refused',
      code,
      details: { account: 'reserve' },
    })
  })

  test.each([
    ['an account that was never opened', [], 'account_unknown'],
    ['a frozen account', [opened('agent:ada'), frozen], 'account_frozen'],
  ] as const)('is refused to %s', (_, to, code) => {
    const decision = given(
      { from: account, to: account, treasury },
      { from: [opened('reserve'), credited(9_000_000)], to },
    ).when(TransferFunds, transfer)
    expect(decision).toEqual({ outcome: 'refused', code, details: { account: 'agent:ada' } })
  })

  test('to the account it comes from is refused', () => {
    expect(
      payer(opened('reserve'), credited(9_000_000)).when(TransferFunds, { ...transfer, to: id('reserve') }),
    ).toMatchObject({ code: 'same_account' })
  })

  test('is refused while the whole treasury is frozen, and possible again after it', () => {
    const from = [opened('reserve'), credited(9_000_000)]
    const under = (...history: TreasuryEvent[]) =>
      given({ from: account, to: account, treasury }, { from, to: ada, treasury: history }).when(
        TransferFunds,
        transfer,
      )
    expect(under(stopped)).toEqual({ outcome: 'refused', code: 'treasury_frozen' })
    expect(under(stopped, { type: 'TreasuryUnfrozen', data: { reason: 'false alarm' } })).toMatchObject({
      outcome: 'accepted',
    })
  })

  test('that no double could count exactly is refused, on either side', () => {
    const most = Number.MAX_SAFE_INTEGER
    const full = { from: [opened('external')], to: [opened('reserve'), credited(most)] }
    const ask = { ...transfer, from: id('external'), to: id('reserve') }
    expect(
      given({ from: account, to: account, treasury }, full).when(TransferFunds, { ...ask, amountMicros: 1 }),
    ).toMatchObject({ code: 'amount_too_large' })
    const owing = { from: [opened('external'), debited(most, '2026-11-23')], to: [opened('reserve')] }
    expect(
      given({ from: account, to: account, treasury }, owing).when(TransferFunds, { ...ask, amountMicros: 1 }),
    ).toMatchObject({ code: 'amount_too_large' })
  })

  test.each([0, -1, 0.5, 2 ** 53, Number.NaN, '5', null])('of %j is no amount', (amountMicros) => {
    expect(TransferFunds.schema.safeParse({ ...transfer, amountMicros }).success).toBe(false)
  })
})

describe('the limits of an account', () => {
  const rich = [opened('reserve'), credited(100_000_000)]

  test('are set by a command', () => {
    expect(
      given({ account }, { account: rich }).when(SetAccountLimits, {
        account: id('reserve'),
        dailyMicros: 7,
        perActionMicros: 3,
      }),
    ).toEqual({ outcome: 'accepted', events: { account: [limited(7, 3)] } })
    expect(
      given({ account }, {}).when(SetAccountLimits, { account: id('reserve'), dailyMicros: 7, perActionMicros: 3 }),
    ).toMatchObject({ code: 'account_unknown' })
  })

  test('hold for one action, to the micro-dollar', () => {
    expect(payer(...rich, limited(100_000_000, 4_999_999)).when(TransferFunds, transfer)).toEqual({
      outcome: 'refused',
      code: 'action_limit_exceeded',
      details: { account: 'reserve', amountMicros: 5_000_000, perActionMicros: 4_999_999 },
    })
    expect(payer(...rich, limited(100_000_000, 5_000_000)).when(TransferFunds, transfer)).toMatchObject({
      outcome: 'accepted',
    })
  })

  test('hold for a day, and what is promised counts as spent', () => {
    const day = [
      ...rich,
      limited(8_000_000, 8_000_000),
      debited(2_000_000, '2026-11-23'),
      reserved(reservation(1), 1_000_001),
    ]
    expect(payer(...day).when(TransferFunds, transfer)).toEqual({
      outcome: 'refused',
      code: 'daily_limit_exceeded',
      details: {
        account: 'reserve',
        amountMicros: 5_000_000,
        dailyMicros: 8_000_000,
        spentMicros: 2_000_000,
        reservedMicros: 1_000_001,
        nextDay: '2026-11-24T00:00:00.000Z',
      },
    })
    expect(payer(...day).when(TransferFunds, { ...transfer, amountMicros: 4_999_999 })).toMatchObject({
      outcome: 'accepted',
    })
  })

  test('begin anew with the next day', () => {
    expect(
      payer(...rich, limited(8_000_000, 8_000_000), debited(8_000_000, '2026-11-22')).when(TransferFunds, transfer),
    ).toMatchObject({ outcome: 'accepted' })
  })

  test('are not made whole by a clock that still shows yesterday', () => {
    const history = [
      ...rich,
      limited(8_000_000, 8_000_000),
      debited(3_000_000, '2026-11-24'),
      debited(3_000_000, '2026-11-23'),
    ]
    expect(payer(...history).when(TransferFunds, transfer)).toMatchObject({
      code: 'daily_limit_exceeded',
      details: { spentMicros: 6_000_000 },
    })
  })
})
