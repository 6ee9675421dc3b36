import { describe, expect, test } from 'vitest'
import { defaultTerms } from '../../../src/commands/aggregates/policy.ts'
import { ReserveBudget } from '../../../src/commands/budget/reserve-budget.ts'
import type { AccountEvent } from '../../../src/events/account.ts'
import { budgetStream, type BudgetEvent, type BudgetStream } from '../../../src/events/budget.ts'
import type { ChatEvent } from '../../../src/events/chat.ts'
import { AccountId, Principal, type StreamName } from '../../../src/events/identifiers.ts'
import {
  BudgetScope,
  councilScope,
  PolicyScope,
  policyStream,
  userScope,
  type BudgetTerms,
  type PolicyEvent,
} from '../../../src/events/policy.ts'
import type { TreasuryEvent } from '../../../src/events/treasury.ts'
import { given } from '../../support/decider.ts'
import { day, opened, requestId, reserve, reserved, stream } from './budget-events.ts'

const prompt: ChatEvent[] = [
  {
    type: 'PromptSubmitted',
    data: { requestId, conversationId: requestId, text: 'Why?', submittedAt: '2026-11-23T11:59:58.000Z' },
  },
  { type: 'AttemptStarted', data: { attempt: 1, worker: 'w', startedAt: '2026-11-23T11:59:58.005Z' } },
]
const anna = BudgetScope.parse('user:anna')
const ofAnna = budgetStream(anna, day)
const set = (scope: string, changes: Partial<BudgetTerms> = {}): [StreamName<'policy'>, PolicyEvent[]] => [
  policyStream(PolicyScope.parse(scope)),
  [{ type: 'BudgetPolicySet', data: { scope: PolicyScope.parse(scope), ...defaultTerms, ...changes } }],
]
type World = {
  budgets?: Map<BudgetStream, BudgetEvent[]>
  policies?: Map<StreamName<'policy'>, PolicyEvent[]>
  treasury?: TreasuryEvent[]
  reserve?: AccountEvent[]
}
const reserving = (world: World, amountMicros: number, changes: object = {}, now?: string) =>
  given(ReserveBudget.aggregates, { chat: prompt, ...world }, now).when(ReserveBudget, {
    ...reserve(requestId, 'c1', amountMicros),
    ...changes,
  })
const full = (spentMicros: number): BudgetEvent[] => [opened(), reserved('c0', spentMicros)]

describe('reserving', () => {
  test('opens the budget of the day, reserves in it, and records the call on the prompt, in one decision', () => {
    reserving({}, 1000).then({
      accepted: {
        chat: [
          {
            type: 'ModelCallStarted',
            data: {
              callId: 'c1',
              attempt: 1,
              phase: 'respond',
              member: 'council',
              model: 'smollm2',
              budgets: [stream],
              reservedMicros: 1000,
            },
          },
        ],
        bounty: [],
        budgets: new Map([[stream, [opened(), reserved('c1')]]]),
      },
    })
  })

  test('opens a budget once', () => {
    reserving({ budgets: new Map([[stream, [opened()]]]) }, 1000).thenMatches({
      accepted: { budgets: new Map([[stream, [reserved('c1')]]]) },
    })
  })

  test('counts reservations as spent, and reports when the next budget starts', () => {
    reserving({ budgets: new Map([[stream, full(defaultTerms.dailyMicros - 500)]]) }, 501).then({
      refused: 'budget_exceeded',
      details: {
        scope: 'council',
        dailyMicros: 10_000_000,
        spentMicros: 0,
        reservedMicros: 9_999_500,
        availableMicros: 500,
        amountMicros: 501,
        nextDay: '2026-11-24T00:00:00.000Z',
        onExceed: 'throttle',
        calls: 1,
        models: 'smollm2',
        scopes: 'council',
      },
    })
  })

  test('admits calls that run side by side together or not at all', () => {
    const two = [1, 2].map((n) => ({
      callId: `c${n}`,
      phase: 'draft',
      member: `m${n}`,
      model: 'smollm2',
      amountMicros: 300,
    }))
    const budgets = new Map([[stream, full(defaultTerms.dailyMicros - 500)]])
    reserving({ budgets }, 0, { calls: two }).thenMatches({ refused: 'budget_exceeded' })
  })

  test.each<[string, World, string]>([
    [
      'the whole treasury is frozen',
      { treasury: [{ type: 'TreasuryFrozen', data: { reason: 'audit' } }] },
      'treasury_frozen',
    ],
    [
      'the reserve, which pays, is frozen',
      {
        reserve: [
          { type: 'AccountOpened', data: { accountId: AccountId.parse('reserve') } },
          { type: 'AccountFrozen', data: { reason: 'audit' } },
        ],
      },
      'account_frozen',
    ],
  ])('is refused while %s', (_, world, code) => {
    const { decision } = reserving(world, 1)
    expect(decision).toMatchObject({ outcome: 'refused', code })
  })
})

describe('a scope with a policy', () => {
  const both = {
    scopes: [
      { scope: councilScope, day },
      { scope: anna, day },
    ],
  }

  test('is charged next to the council, with the same call', () => {
    reserving({ policies: new Map([set('user:anna')]) }, 1000, both).thenMatches({
      accepted: {
        chat: [{ data: { budgets: [stream, ofAnna] } }],
        budgets: new Map([
          [stream, [opened(), reserved('c1')]],
          [ofAnna, [{ type: 'BudgetOpened', data: { scope: 'user:anna' } }, reserved('c1')]],
        ]),
      },
    })
  })

  test('refuses for all scopes, and is named', () => {
    reserving({ policies: new Map([set('user:anna', { dailyMicros: 999 })]) }, 1000, both).thenMatches({
      refused: 'budget_exceeded',
      details: { scope: 'user:anna', availableMicros: 999 },
    })
  })

  test('that every user falls back to bounds a user who was never seen, from the first request on', () => {
    reserving({ policies: new Map([set('user', { dailyMicros: 999 })]) }, 1000, both).thenMatches({
      refused: 'budget_exceeded',
      details: { scope: 'user:anna' },
    })
  })

  test('of its own takes precedence over the one that every user falls back to', () => {
    const policies = new Map([set('user', { dailyMicros: 999 }), set('user:anna')])
    reserving({ policies }, 1000, both).thenMatches({ accepted: {} })
  })

  test('that appeared since the worker looked refuses, so that the worker looks again', () => {
    const unaware = {
      scopes: [
        { scope: councilScope, day },
        { scope: anna, day: null },
      ],
    }
    reserving({ policies: new Map([set('user:anna')]) }, 1000, unaware).then({
      refused: 'budget_day_over',
      details: { scope: 'user:anna' },
    })
  })
})

describe('a policy that changes during the day', () => {
  const budgets = (...events: BudgetEvent[]) => new Map([[stream, [opened(), ...events]]])
  const engaged: BudgetEvent = {
    type: 'ThrottleEngaged',
    data: { spentMicros: 8_000_000, softMicros: 8_000_000, dailyMicros: 10_000_000, until: '2026-11-24T00:00:00.000Z' },
  }
  const debited = (actualMicros: number): BudgetEvent => ({
    type: 'BudgetDebited',
    data: {
      callId: 'c0',
      requestId,
      model: 'smollm2',
      phase: 'respond',
      member: 'council',
      usage: 'reported',
      promptTokens: 1,
      completionTokens: 1,
      priceRef: 'smollm2@150/600',
      actualMicros,
    },
  })

  test('holds from the next reservation on', () => {
    const policies = new Map([set('council', { dailyMicros: 5_000 })])
    reserving({ budgets: budgets(), policies }, 1000).thenMatches({
      accepted: {
        budgets: new Map([[stream, [{ type: 'BudgetAdjusted', data: { dailyMicros: 5_000 } }, reserved('c1')]]]),
      },
    })
  })

  test('lifts the throttle where the new terms leave room', () => {
    const policies = new Map([set('council', { dailyMicros: 20_000_000 })])
    reserving({ budgets: budgets(debited(8_000_000), engaged), policies }, 1000).thenMatches({
      accepted: {
        budgets: new Map([
          [
            stream,
            [
              { type: 'BudgetAdjusted' },
              {
                type: 'ThrottleLifted',
                data: { why: 'limit_raised', spentMicros: 8_000_000, dailyMicros: 20_000_000 },
              },
              reserved('c1'),
            ],
          ],
        ]),
      },
    })
  })

  test('does not lift a throttle that the new terms would engage too', () => {
    const policies = new Map([set('council', { dailyMicros: 10_000_001 })])
    const history = budgets(debited(8_500_000), engaged)
    reserving({ budgets: history, policies }, 1000).thenMatches({
      accepted: { budgets: new Map([[stream, [{ type: 'BudgetAdjusted' }, reserved('c1')]]]) },
    })
  })
})

describe('the day of a budget', () => {
  const inBerlin = (budgetDay: string) => ({ scopes: [{ scope: councilScope, day: budgetDay }] })
  const policies = new Map([set('council', { timeZone: 'Europe/Berlin' })])

  test.each([
    ['of 23 hours', '2026-03-28T23:00:00.000Z', '2026-03-29', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    ['of 25 hours', '2026-10-25T22:59:59.999Z', '2026-10-25', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
    ['of 24 hours', '2026-11-23T12:00:00.000Z', '2026-11-23', '2026-11-22T23:00:00.000Z', '2026-11-23T23:00:00.000Z'],
  ])('%s lasts from midnight to midnight in the zone of its policy', (_, now, berlinDay, opensAt, closesAt) => {
    reserving({ policies }, 1, inBerlin(berlinDay), now).thenMatches({
      accepted: {
        budgets: new Map([
          [
            budgetStream('council', berlinDay),
            [
              { type: 'BudgetOpened', data: { day: berlinDay, timeZone: 'Europe/Berlin', opensAt, closesAt } },
              { type: 'BudgetReserved' },
            ],
          ],
        ]),
      },
    })
  })

  test.each([
    ['before midnight there', '2026-11-23T22:59:59.999Z', '2026-11-24'],
    ['after midnight there', '2026-11-23T23:00:00.000Z', '2026-11-23'],
  ])('is refused %s when the worker names the other one', (_, now, named) => {
    reserving({ policies }, 1, inBerlin(named), now).then({ refused: 'budget_day_over', details: { scope: 'council' } })
  })
})

describe('the scope of a user', () => {
  test.each([
    ['anna', 'user:anna'],
    ['anna@example.org', 'user:anna:40example.org'],
    ['service:worker', 'user:service:3aworker'],
    ['Ænna', 'user::c3:86nna'],
  ])('of %s is %s, so that two users never share one', (subject, scope) => {
    expect(userScope(Principal.parse(subject))).toBe(scope)
  })
})
