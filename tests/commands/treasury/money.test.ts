import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maxOpenReservations, reservedMicros } from '../../../src/commands/aggregates/account.ts'
import { AdvanceAccount } from '../../../src/commands/treasury/advance-account.ts'
import { FreezeAccount } from '../../../src/commands/treasury/freeze-account.ts'
import { FreezeTreasury } from '../../../src/commands/treasury/freeze-treasury.ts'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { ReleaseReservation } from '../../../src/commands/treasury/release-reservation.ts'
import { ReserveFunds } from '../../../src/commands/treasury/reserve-funds.ts'
import { SetAccountLimits } from '../../../src/commands/treasury/set-account-limits.ts'
import { SettleReservation } from '../../../src/commands/treasury/settle-reservation.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
import { UnfreezeAccount } from '../../../src/commands/treasury/unfreeze-account.ts'
import { UnfreezeTreasury } from '../../../src/commands/treasury/unfreeze-treasury.ts'
import type { AccountId, Uuid7 } from '../../../src/events/identifiers.ts'
import { id, reservation, treasuryInMemory } from '../../support/treasury.ts'

const payers = ['reserve', 'agent:ada', 'bounty:b1'].map(id)
const everyAccount = [...payers, ...['external', 'spend', 'overrun'].map(id)]
const start = Date.parse('2026-11-23T22:00:00.000Z')

const who = fc.constantFrom(...everyAccount)
const payer = fc.constantFrom(...payers)
const amountMicros = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 20_000_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1) },
)
const cost = fc.oneof(fc.integer({ min: 0, max: 30_000_000 }), fc.constant(1_000_000_000_000))
/** The index of a reservation, counted from the newest; it may have ended. */
const which = fc.nat(4)

/** A random command, most often about money; some are invalid. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ ask: fc.constant('transfer'), from: who, to: who, amountMicros }) },
  { weight: 3, arbitrary: fc.record({ ask: fc.constant('fund'), amountMicros }) },
  {
    weight: 6,
    arbitrary: fc.record({
      ask: fc.constant('reserve'),
      payer,
      amountMicros,
      holdMs: fc.constantFrom(1, 60_000, 3_600_000, 3_600_000, 8 * 86_400_000),
    }),
  },
  { weight: 6, arbitrary: fc.record({ ask: fc.constant('settle'), payer, which, cost }) },
  { weight: 2, arbitrary: fc.record({ ask: fc.constant('release'), payer, which }) },
  { weight: 3, arbitrary: fc.record({ ask: fc.constant('expire'), expiring: payer }) },
  { weight: 1, arbitrary: fc.record({ ask: fc.constant('limit'), payer, amountMicros }) },
  { weight: 1, arbitrary: fc.record({ ask: fc.constant('freeze'), who, everything: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ ask: fc.constant('unfreeze'), who, everything: fc.boolean() }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** Steps, the time between them, and the skew of the deciding gate's clock. */
const histories = fc.array(
  fc.record({
    step,
    laterMs: fc.constantFrom(0, 0, 1, 30_000, 30_000, 3_600_000, 30 * 3_600_000),
    skewMs: fc.constantFrom(0, 0, 0, -60_000, 60_000),
  }),
  { minLength: 20, maxLength: 100, size: 'max' },
)

type World = ReturnType<typeof treasuryInMemory>

/** A treasury with every account open, and with this much money on one of them. */
function funded(to: AccountId, amountMicros: number, now: string): World {
  const world = treasuryInMemory()
  for (const account of everyAccount) world.perform(OpenAccount, { account }, now)
  world.perform(TransferFunds, { transferId: 'seed', from: id('external'), to, amountMicros, reason: 'seed' }, now)
  return world
}

function madeBefore({ log }: World, back: number): { account: AccountId; reservationId: Uuid7 } | undefined {
  const made = log.filter(({ event }) => event.type === 'FundsReserved').at(-1 - back)
  return (
    made && {
      account: id(made.stream.slice('account/'.length)),
      reservationId: (made.event.data as { reservationId: Uuid7 }).reservationId,
    }
  )
}

function happen(world: World, made: number, next: Step, now: string): void {
  const earlier = (payer: AccountId, back: number) =>
    madeBefore(world, back) ?? { account: payer, reservationId: reservation(made) }
  const transfer = (from: AccountId, to: AccountId, amount: number) =>
    world.perform(TransferFunds, { transferId: `t${made}`, from, to, amountMicros: amount, reason: 'story' }, now)
  if ('from' in next) transfer(next.from, next.to, next.amountMicros)
  else if ('holdMs' in next) {
    const expiresAt = new Date(Date.parse(now) + next.holdMs).toISOString()
    const own = { account: next.payer, reservationId: reservation(made) }
    world.perform(ReserveFunds, { ...own, amountMicros: next.amountMicros, expiresAt }, now)
  } else if ('cost' in next)
    world.perform(SettleReservation, { ...earlier(next.payer, next.which), actualMicros: next.cost }, now)
  else if ('expiring' in next) world.perform(AdvanceAccount, { account: next.expiring }, now)
  else if ('which' in next) world.perform(ReleaseReservation, earlier(next.payer, next.which), now)
  else if ('payer' in next) {
    const limits = { dailyMicros: next.amountMicros, perActionMicros: next.amountMicros }
    world.perform(SetAccountLimits, { account: next.payer, ...limits }, now)
  } else if ('amountMicros' in next) transfer(id('external'), id('reserve'), next.amountMicros)
  else if (next.ask === 'freeze') {
    if (next.everything) world.perform(FreezeTreasury, { reason: 'story' }, now)
    else world.perform(FreezeAccount, { account: next.who, reason: 'story' }, now)
  } else if (next.everything) world.perform(UnfreezeTreasury, { reason: 'story' }, now)
  else world.perform(UnfreezeAccount, { account: next.who, reason: 'story' }, now)
}

function expectMoneyIsRight({ accounts, log }: World, now: string): void {
  expect(accounts().reduce((sum, { balanceMicros }) => sum + BigInt(balanceMicros), 0n)).toBe(0n)
  for (const account of accounts()) {
    const { accountId, balanceMicros, reservations } = account
    expect(Number.isSafeInteger(balanceMicros)).toBe(true)
    if (accountId !== 'external' && accountId !== 'overrun') {
      expect(balanceMicros).toBeGreaterThanOrEqual(0)
      expect(balanceMicros - reservedMicros(account, now)).toBeGreaterThanOrEqual(0)
    }
    expect(
      Number.isSafeInteger(Object.values(reservations).reduce((sum, { amountMicros: promised }) => sum + promised, 0)),
    ).toBe(true)
    expect(Object.keys(reservations).length).toBeLessThanOrEqual(maxOpenReservations)
    expect(JSON.stringify(account).length).toBeLessThan(65_536)
  }
  const resolved = log.flatMap(({ event: { type, data } }) =>
    ['ReservationSettled', 'LateCostSettled', 'ReservationReleased', 'ReservationExpired'].includes(type)
      ? [(data as { reservationId: string }).reservationId]
      : [],
  )
  expect(new Set(resolved).size).toBe(resolved.length)
}

describe('the treasury', () => {
  test('neither loses nor creates money, for any commands, order and clock skew', () => {
    const seen = new Map<string, number>()
    fc.assert(
      fc.property(histories, (history) => {
        const world = funded(id('reserve'), 50_000_000, new Date(start).toISOString())
        let nowMs = start
        let newestMs = start
        history.forEach(({ step: next, laterMs, skewMs }, index) => {
          nowMs += laterMs
          newestMs = Math.max(newestMs, nowMs + skewMs)
          happen(world, index, next, new Date(nowMs + skewMs).toISOString())
          expectMoneyIsRight(world, new Date(newestMs).toISOString())
        })
        for (const { event } of world.log) seen.set(event.type, (seen.get(event.type) ?? 0) + 1)
      }),
      { numRuns: 200 },
    )
    // The random histories cover every case.
    expect([...seen.keys()]).toEqual(
      expect.arrayContaining([
        'ReservationSettled',
        'LateCostSettled',
        'ReservationReleased',
        'ReservationExpired',
        'AccountFrozen',
        'TreasuryUnfrozen',
      ]),
    )
  })

  test('never spends more than the daily limit, by transfers or reservations', () => {
    const now = new Date(start).toISOString()
    const expiresAt = new Date(start + 3_600_000).toISOString()
    const ada = id('agent:ada')
    const asks = fc.array(
      fc.record({
        kind: fc.constantFrom('transfer', 'reserve', 'settle', 'release'),
        which,
        amountMicros: fc.integer({ min: 1, max: 9_000_000 }),
      }),
      { maxLength: 60, size: 'max' },
    )
    fc.assert(
      fc.property(asks, fc.integer({ min: 0, max: 40_000_000 }), (history, dailyMicros) => {
        const world = funded(ada, 500_000_000, now)
        world.perform(SetAccountLimits, { account: ada, dailyMicros, perActionMicros: 8_000_000 }, now)
        const held = () => world.accounts().find(({ accountId }) => accountId === ada)!
        history.forEach(({ kind, which: back, amountMicros: asked }, index) => {
          const reservationId = reservation(Math.max(0, index - back))
          const actualMicros = Math.min(asked, held().reservations[reservationId]?.amountMicros ?? 0)
          const transfer = { transferId: `t${index}`, from: ada, to: id('reserve'), reason: 'story' }
          const made = { account: ada, reservationId: reservation(index), expiresAt }
          if (kind === 'transfer') world.perform(TransferFunds, { ...transfer, amountMicros: asked }, now)
          if (kind === 'reserve') world.perform(ReserveFunds, { ...made, amountMicros: asked }, now)
          if (kind === 'settle') world.perform(SettleReservation, { account: ada, reservationId, actualMicros }, now)
          if (kind === 'release') world.perform(ReleaseReservation, { account: ada, reservationId }, now)
          expect(500_000_000 - held().balanceMicros + reservedMicros(held(), now)).toBeLessThanOrEqual(dailyMicros)
        })
      }),
    )
  })
})
