import { describe, expect, test } from 'vitest'
import { account } from '../../../src/commands/aggregates/account.ts'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { SetAccountLimits } from '../../../src/commands/treasury/set-account-limits.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
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

const between = (from: AccountEvent[], to: AccountEvent[] = ada, history: TreasuryEvent[] = []) =>
  given(TransferFunds.aggregates, { from, to, treasury: history })
/** The reserve after these events; Ada's account is open. */
const payer = (...from: AccountEvent[]) => between(from)

describe('opening an account', () => {
  test('opens it empty', () => {
    given({ account }, {})
      .when(OpenAccount, { account: id('reserve') })
      .then({ accepted: { account: [opened('reserve')] } })
  })

  test("gives an agent's the default limits, $100 a day and $10 an action", () => {
    given({ account }, {})
      .when(OpenAccount, { account: id('agent:ada') })
      .then({ accepted: { account: [opened('agent:ada'), limited(100_000_000, 10_000_000)] } })
  })

  test('is refused if it exists', () => {
    given({ account }, { account: ada })
      .when(OpenAccount, { account: id('agent:ada') })
      .then({ refused: 'account_exists', details: { account: 'agent:ada' } })
  })

  const malformed = ['', 'Reserve', 'agent:', 'agent:a b', 'bounty:../reserve', 'bank', 'agent:a:b']
  test.each([...malformed, `agent:${'x'.repeat(65)}`])('rejects the name %j', (name) => {
    expect(OpenAccount.schema.safeParse({ account: name }).success).toBe(false)
  })
})

describe('a transfer', () => {
  test('moves the amount from one account to the other, under one id', () => {
    const movement = { transferId: 't1', amountMicros: 5_000_000, reason: 'seed money' }
    payer(opened('reserve'), credited(5_000_000))
      .when(TransferFunds, transfer)
      .then({
        accepted: {
          from: [{ type: 'AccountDebited', data: { ...movement, day: '2026-11-23' } }],
          to: [{ type: 'AccountCredited', data: { ...movement, day: '2026-11-23' } }],
        },
      })
  })

  test('cannot spend reserved money, and reports the available amount', () => {
    payer(opened('reserve'), credited(6_000_000), reserved(reservation(1), 2_000_000))
      .when(TransferFunds, transfer)
      .then({
        refused: 'insufficient_funds',
        details: { account: 'reserve', availableMicros: 4_000_000, amountMicros: 5_000_000 },
      })
  })

  test('may spend money whose reservation has expired', () => {
    const expired = reserved(reservation(1), 6_000_000, '2026-11-23T11:59:59.999Z')
    payer(opened('reserve'), credited(6_000_000), expired).when(TransferFunds, transfer).thenMatches({ accepted: {} })
  })

  test('from `external` brings in money: that account may go below zero', () => {
    between([opened('external')], [opened('reserve')])
      .when(TransferFunds, { ...transfer, from: id('external'), to: id('reserve') })
      .thenMatches({ accepted: {} })
  })

  test.each(['reserve', 'agent:bob', 'bounty:b1', 'spend', 'overrun'])(
    'from `%s` moves at most the available amount, to the micro-dollar',
    (name) => {
      const paying = (amountMicros: number) =>
        payer(opened(name), credited(7_000_000), reserved(reservation(1), 2_000_000)).when(TransferFunds, {
          ...transfer,
          from: id(name),
          amountMicros,
        })
      paying(5_000_000).thenMatches({ accepted: {} })
      paying(5_000_001).then({
        refused: 'insufficient_funds',
        details: { account: name, availableMicros: 5_000_000, amountMicros: 5_000_001 },
      })
    },
  )

  test('from `external` is accepted even if that account is below zero', () => {
    payer(opened('external'), debited(5_000_000, '2026-11-23'))
      .when(TransferFunds, { ...transfer, from: id('external') })
      .thenMatches({ accepted: {} })
  })

  test('cannot overdraw `overrun`: only incurred cost makes it negative', () => {
    payer(opened('overrun'))
      .when(TransferFunds, { ...transfer, from: id('overrun') })
      .thenMatches({ refused: 'insufficient_funds' })
  })

  test.each([
    ['an account that was never opened', [], 'account_unknown'],
    ['a frozen account', [opened('reserve'), credited(9_000_000), frozen], 'account_frozen'],
  ] as const)('is refused from %s', (_, history, code) => {
    payer(...history)
      .when(TransferFunds, transfer)
      .then({ refused: code, details: { account: 'reserve' } })
  })

  test.each([
    ['an account that was never opened', [], 'account_unknown'],
    ['a frozen account', [opened('agent:ada'), frozen], 'account_frozen'],
  ] as const)('is refused to %s', (_, to, code) => {
    between([opened('reserve'), credited(9_000_000)], [...to])
      .when(TransferFunds, transfer)
      .then({ refused: code, details: { account: 'agent:ada' } })
  })

  test('to the account it comes from is refused', () => {
    payer(opened('reserve'), credited(9_000_000))
      .when(TransferFunds, { ...transfer, to: id('reserve') })
      .thenMatches({ refused: 'same_account' })
  })

  test('is refused while the whole treasury is frozen, and accepted after the stop is lifted', () => {
    const under = (...history: TreasuryEvent[]) =>
      between([opened('reserve'), credited(9_000_000)], ada, history).when(TransferFunds, transfer)
    under(stopped).then({ refused: 'treasury_frozen' })
    under(stopped, { type: 'TreasuryUnfrozen', data: { reason: 'false alarm' } }).thenMatches({ accepted: {} })
  })

  test('beyond exact integers is refused, on either side', () => {
    const most = Number.MAX_SAFE_INTEGER
    const full = between([opened('external')], [opened('reserve'), credited(most)])
    const owing = between([opened('external'), debited(most, '2026-11-23')], [opened('reserve')])
    for (const accounts of [full, owing])
      accounts
        .when(TransferFunds, { ...transfer, from: id('external'), to: id('reserve'), amountMicros: 1 })
        .thenMatches({ refused: 'amount_too_large' })
  })

  test.each([0, -1, 0.5, 2 ** 53, Number.NaN, '5', null])('of %j is malformed', (amountMicros) => {
    expect(TransferFunds.schema.safeParse({ ...transfer, amountMicros }).success).toBe(false)
  })
})

describe('the limits of an account', () => {
  const rich = [opened('reserve'), credited(100_000_000)]

  test('are set by a command', () => {
    given({ account }, { account: rich })
      .when(SetAccountLimits, { account: id('reserve'), dailyMicros: 7, perActionMicros: 3 })
      .then({ accepted: { account: [limited(7, 3)] } })
    given({ account }, {})
      .when(SetAccountLimits, { account: id('reserve'), dailyMicros: 7, perActionMicros: 3 })
      .thenMatches({ refused: 'account_unknown' })
  })

  test('hold for one action, to the micro-dollar', () => {
    payer(...rich, limited(100_000_000, 4_999_999))
      .when(TransferFunds, transfer)
      .then({
        refused: 'action_limit_exceeded',
        details: { account: 'reserve', amountMicros: 5_000_000, perActionMicros: 4_999_999 },
      })
    payer(...rich, limited(100_000_000, 5_000_000))
      .when(TransferFunds, transfer)
      .thenMatches({ accepted: {} })
  })

  test('hold for a day, and reservations count as spent', () => {
    const spent = [debited(2_000_000, '2026-11-23'), reserved(reservation(1), 1_000_001)]
    const day = [...rich, limited(8_000_000, 8_000_000), ...spent]
    payer(...day)
      .when(TransferFunds, transfer)
      .then({
        refused: 'daily_limit_exceeded',
        details: {
          account: 'reserve',
          amountMicros: 5_000_000,
          dailyMicros: 8_000_000,
          spentMicros: 2_000_000,
          reservedMicros: 1_000_001,
          nextDay: '2026-11-24T00:00:00.000Z',
        },
      })
    payer(...day)
      .when(TransferFunds, { ...transfer, amountMicros: 4_999_999 })
      .thenMatches({ accepted: {} })
  })

  test('start again on the next day', () => {
    payer(...rich, limited(8_000_000, 8_000_000), debited(8_000_000, '2026-11-22'))
      .when(TransferFunds, transfer)
      .thenMatches({ accepted: {} })
  })

  test('are not reset by a clock that is still before midnight', () => {
    const spent = [debited(3_000_000, '2026-11-24'), debited(3_000_000, '2026-11-23')]
    payer(...rich, limited(8_000_000, 8_000_000), ...spent)
      .when(TransferFunds, transfer)
      .thenMatches({ refused: 'daily_limit_exceeded', details: { spentMicros: 6_000_000 } })
  })
})
