import { describe, expect, test } from 'vitest'
import { account } from '../../../src/commands/aggregates/account.ts'
import { FreezeAccount } from '../../../src/commands/treasury/freeze-account.ts'
import { FreezeTreasury } from '../../../src/commands/treasury/freeze-treasury.ts'
import { treasury } from '../../../src/commands/aggregates/treasury.ts'
import { UnfreezeAccount } from '../../../src/commands/treasury/unfreeze-account.ts'
import { UnfreezeTreasury } from '../../../src/commands/treasury/unfreeze-treasury.ts'
import type { AccountEvent } from '../../../src/events/account.ts'
import type { TreasuryEvent } from '../../../src/events/treasury.ts'
import { given } from '../../support/decider.ts'
import { frozen, id, opened } from '../../support/treasury.ts'

const ask = { account: id('agent:ada'), reason: 'audit' }
const ada = (...history: AccountEvent[]) => given({ account }, { account: history })
const council = (...history: TreasuryEvent[]) => given({ treasury }, { treasury: history })
const stopped: TreasuryEvent = { type: 'TreasuryFrozen', data: { reason: 'audit' } }
const thawed: AccountEvent = { type: 'AccountUnfrozen', data: { reason: 'audit' } }

describe('freezing an account', () => {
  test('records the reason', () => {
    ada(opened('agent:ada'))
      .when(FreezeAccount, ask)
      .then({ accepted: { account: [frozen] } })
    ada(opened('agent:ada'), frozen, thawed).when(FreezeAccount, ask).thenMatches({ accepted: {} })
  })

  test.each([
    ['is frozen', [opened('agent:ada'), frozen], 'already_frozen'],
    ['was never opened', [], 'account_unknown'],
  ] as const)('is refused if it %s', (_, history, code) => {
    ada(...history)
      .when(FreezeAccount, ask)
      .then({ refused: code, details: { account: 'agent:ada' } })
  })
})

describe('unfreezing an account', () => {
  test('records the reason', () => {
    ada(opened('agent:ada'), frozen)
      .when(UnfreezeAccount, ask)
      .then({ accepted: { account: [thawed] } })
  })

  test.each([
    ['is not frozen', [opened('agent:ada')], 'not_frozen'],
    ['was never opened', [], 'account_unknown'],
  ] as const)('is refused if it %s', (_, history, code) => {
    ada(...history)
      .when(UnfreezeAccount, ask)
      .thenMatches({ refused: code })
  })
})

describe('the emergency stop', () => {
  test('freezes the whole treasury once', () => {
    council()
      .when(FreezeTreasury, { reason: 'audit' })
      .then({ accepted: { treasury: [stopped] } })
    council(stopped).when(FreezeTreasury, { reason: 'audit' }).then({ refused: 'already_frozen' })
  })

  test('is lifted once', () => {
    council(stopped)
      .when(UnfreezeTreasury, { reason: 'over' })
      .then({ accepted: { treasury: [{ type: 'TreasuryUnfrozen', data: { reason: 'over' } }] } })
    council().when(UnfreezeTreasury, { reason: 'over' }).then({ refused: 'not_frozen' })
  })

  test.each(['', '   ', 'x'.repeat(501)])('needs a reason', (reason) => {
    expect(FreezeTreasury.schema.safeParse({ reason }).success).toBe(false)
  })
})
