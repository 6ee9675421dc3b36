import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { account, defaultAgentLimits } from '../../../src/commands/aggregates/account.ts'
import { AdvanceAccount } from '../../../src/commands/treasury/advance-account.ts'
import type { AccountEvent, CreditPurpose } from '../../../src/events/account.ts'
import { given } from '../../support/decider.ts'
import { id, opened } from '../../support/treasury.ts'

const ada = id('agent:ada')
const limited: AccountEvent = { type: 'AccountLimitsSet', data: defaultAgentLimits }
const movement = (amountMicros: number) => ({ transferId: 't', amountMicros, reason: 'a task' })
const earned = (day: string, amountMicros: number, purpose?: CreditPurpose): AccountEvent => ({
  type: 'AccountCredited',
  data: { ...movement(amountMicros), ...(purpose && { purpose }), day },
})
const spent = (day: string, amountMicros: number): AccountEvent => ({
  type: 'AccountDebited',
  data: { ...movement(amountMicros), day },
})
/** An agent since Monday, 2 November. */
const seeded = [opened('agent:ada'), limited, earned('2026-11-02', 50_000_000, 'seed')]
const advance = (history: readonly AccountEvent[], now: string) =>
  given({ account }, { account: [...history] }, now).when(AdvanceAccount, { account: ada })

describe('the return of an agent in seven days', () => {
  test.each([
    [200, 150, 150_000_000, 15_000_000],
    [199, 120, 120_000_000, 12_000_000],
    [150, 120, 120_000_000, 12_000_000],
    [149, 100, 100_000_000, 10_000_000],
    [51, 100, 100_000_000, 10_000_000],
    [50, 80, 80_000_000, 8_000_000],
    [21, 80, 80_000_000, 8_000_000],
    [20, 50, 50_000_000, 5_000_000],
    [0, 50, 50_000_000, 5_000_000],
  ])('of %i %% scales both limits to %i %%', (percent, factorPercent, dailyMicros, perActionMicros) => {
    const income = percent > 0 ? [earned('2026-11-04', percent * 10_000)] : []
    advance([...seeded, ...income, spent('2026-11-05', 1_000_000)], '2026-11-09T00:00:00.000Z').then({
      accepted: {
        account: [
          {
            type: 'AccountLimitsAdjusted',
            data: {
              from: '2026-11-02',
              to: '2026-11-09',
              earnedMicros: percent * 10_000,
              spentMicros: 1_000_000,
              factorPercent,
              before: defaultAgentLimits,
              dailyMicros,
              perActionMicros,
            },
          },
        ],
      },
    })
  })

  test('does not count its seed and refunds as earnings', () => {
    const history = [...seeded, earned('2026-11-03', 9_000_000, 'refund'), spent('2026-11-05', 1_000_000)]
    advance(history, '2026-11-09T00:00:00.000Z').thenMatches({
      accepted: { account: [{ data: { earnedMicros: 0, factorPercent: 50 } }] },
    })
  })

  test('scales nothing before the seven days are over, or without spending', () => {
    advance([...seeded, spent('2026-11-05', 1)], '2026-11-08T23:59:59.999Z').then({ refused: 'nothing_due' })
    advance([...seeded, earned('2026-11-04', 1)], '2026-12-24T00:00:00.000Z').then({ refused: 'nothing_due' })
  })

  test('begins anew after a week without spending', () => {
    const history = [...seeded, earned('2026-11-20', 3), spent('2026-11-21', 1)]
    advance(history, '2026-11-27T00:00:00.000Z').thenMatches({
      accepted: { account: [{ data: { from: '2026-11-20', to: '2026-11-27', factorPercent: 150 } }] },
    })
  })

  test('is acted on week by week, in order, after the clock stood still', () => {
    const history = [...seeded, spent('2026-11-05', 1_000_000), earned('2026-11-12', 2), spent('2026-11-13', 1)]
    const now = '2026-12-24T00:00:00.000Z'
    const { decision } = advance(history, now)
    if (decision.outcome !== 'accepted') throw new Error('nothing was due')
    const first = decision.events.account ?? []
    expect(first).toMatchObject([{ data: { from: '2026-11-02', factorPercent: 50 } }])
    advance([...history, ...first], now).thenMatches({
      accepted: { account: [{ data: { from: '2026-11-12', factorPercent: 150, dailyMicros: 75_000_000 } }] },
    })
  })

  test('never takes limits below $10 a day and $1 an action, or above $500 and $100', () => {
    const set = (dailyMicros: number, perActionMicros: number): AccountEvent => ({
      type: 'AccountLimitsSet',
      data: { dailyMicros, perActionMicros },
    })
    const now = '2026-11-09T00:00:00.000Z'
    advance([...seeded, set(12_000_000, 1_000_000), spent('2026-11-05', 1)], now).thenMatches({
      accepted: { account: [{ data: { dailyMicros: 10_000_000, perActionMicros: 1_000_000 } }] },
    })
    const rich = [...seeded, set(400_000_000, 90_000_000), earned('2026-11-04', 2), spent('2026-11-05', 1)]
    advance(rich, now).thenMatches({
      accepted: { account: [{ data: { dailyMicros: 500_000_000, perActionMicros: 100_000_000 } }] },
    })
  })

  test('leaves a limit alone that a person has set beyond these', () => {
    const forbidden: AccountEvent = { type: 'AccountLimitsSet', data: { dailyMicros: 0, perActionMicros: 0 } }
    const history = [...seeded, forbidden, earned('2026-11-04', 2), spent('2026-11-05', 1)]
    advance(history, '2026-11-09T00:00:00.000Z').thenMatches({
      accepted: { account: [{ data: { dailyMicros: 0, perActionMicros: 0 } }] },
    })
  })

  test('is known of agents alone, and only from the first movement on that has a day', () => {
    const old: AccountEvent = { type: 'AccountCredited', data: movement(5) }
    advance([opened('agent:ada'), limited, old, spent('2026-11-05', 1)], '2026-12-24T00:00:00.000Z').then({
      refused: 'nothing_due',
    })
  })

  test('accounts for every day of spending once, whatever the order of weeks', () => {
    const day = fc
      .integer({ min: 0, max: 90 })
      .map((n) => new Date(Date.UTC(2026, 10, 2 + n)).toISOString().slice(0, 10))
    fc.assert(
      fc.property(fc.array(day, { minLength: 1, maxLength: 30 }), (days) => {
        const sorted = days.toSorted()
        let state = [...seeded, ...sorted.map((on) => spent(on, 1))].reduce(
          (before, event) => account.evolve(before, event),
          account.initial,
        )
        let counted = 0
        for (;;) {
          const decision = AdvanceAccount.decide(
            { account: ada },
            { account: state },
            { now: '2027-12-24T00:00:00.000Z', principal: 'clock' as never },
          )
          if (decision.outcome === 'refused') break
          for (const event of decision.events.account ?? []) {
            if (event.type === 'AccountLimitsAdjusted') counted += event.data.spentMicros
            state = account.evolve(state, event)
          }
        }
        expect(counted).toBe(days.length)
      }),
    )
  })
})
