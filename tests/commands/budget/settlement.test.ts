import { approval } from '../../../src/commands/aggregates/approval.ts'
import { governance } from '../../../src/commands/aggregates/governance.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { availableMicros, budget } from '../../../src/commands/aggregates/budget.ts'
import { chat } from '../../../src/commands/aggregates/chat.ts'
import { defaultTerms } from '../../../src/commands/aggregates/policy.ts'
import { CompleteAnswer } from '../../../src/commands/chat/complete-answer.ts'
import { DebitBudget } from '../../../src/commands/budget/debit-budget.ts'
import { FailAnswer } from '../../../src/commands/chat/fail-answer.ts'
import { ReserveBudget } from '../../../src/commands/budget/reserve-budget.ts'
import { stepAggregates, type Settlement } from '../../../src/commands/budget/settlement.ts'
import type { AccountEvent } from '../../../src/events/account.ts'
import { type BudgetEvent, type BudgetStream, budgetStream } from '../../../src/events/budget.ts'
import { chatStream, type ChatEvent } from '../../../src/events/chat.ts'
import { AccountId, Uuid7 } from '../../../src/events/identifiers.ts'
import { given } from '../../support/decider.ts'
import { day, opened, reserve, reserved, stream } from './budget-events.ts'

const requestId = Uuid7.parse('0199a0b0-0000-7000-8000-000000000001')
const submitted: ChatEvent = {
  type: 'PromptSubmitted',
  data: { requestId, conversationId: requestId, text: 'Why?', submittedAt: '2026-11-23T11:59:58.000Z' },
}
const attempt: ChatEvent = {
  type: 'AttemptStarted',
  data: { attempt: 1, worker: 'w', startedAt: '2026-11-23T11:59:58.005Z' },
}
const called = (callId: string, budgets = [stream]): ChatEvent => ({
  type: 'ModelCallStarted',
  data: { callId, attempt: 1, phase: 'respond', member: 'council', model: 'smollm2', budgets, reservedMicros: 1000 },
})
const settlement = (callId: string, change: Partial<Settlement> = {}): Settlement => ({
  callId,
  budgets: [stream],
  outcome: 'completed',
  usage: 'reported',
  promptTokens: 10,
  completionTokens: 20,
  priceRef: 'smollm2@150/600',
  costMicros: 14,
  ...change,
})
const ending = {
  requestId,
  attempt: 1,
  text: 'Because.',
  firstTokenMs: 100,
  endedAtMs: Date.parse('2026-11-23T12:00:00.000Z'),
  job: '1-0',
}
type History = {
  chat: ChatEvent[]
  budgets: Map<BudgetStream, BudgetEvent[]>
  reserve?: AccountEvent[]
  spend?: AccountEvent[]
}
const open: History = {
  chat: [submitted, attempt, called('c1')],
  budgets: new Map([[stream, [opened(), reserved('c1')]]]),
}
const completing = (callId: string, history: History = open, change: Partial<Settlement> = {}) =>
  given({ ...stepAggregates, approval, governance }, history).when(CompleteAnswer, {
    ...ending,
    settlement: settlement(callId, change),
    finishReason: 'stop',
    reasons: [],
  })

describe('ending an answer', () => {
  test('pays for its last call in the same decision', () => {
    const bill = {
      costMicros: 14,
      tokens: { promptTokens: 10, completionTokens: 20 },
      timings: { queuedMs: 5, firstTokenMs: 100, totalMs: 2000 },
    }
    completing('c1').thenMatches({
      accepted: {
        budgets: new Map([
          [stream, [{ type: 'BudgetDebited', data: { callId: 'c1', actualMicros: 14, usage: 'reported' } }]],
        ]),
        chat: [{ type: 'ModelCallEnded' }, { type: 'AnswerCompleted', data: bill }],
      },
      finishesJob: '1-0',
    })
  })

  test.each<[string, Partial<Settlement>, object, number]>([
    [
      'charges a call with unknown usage its whole reservation',
      { outcome: 'failed', usage: 'unknown', costMicros: 0 },
      { type: 'BudgetDebited', data: { actualMicros: 1000, usage: 'unknown' } },
      1000,
    ],
    [
      'releases the reservation of a call that never reached a model',
      { outcome: 'released' },
      { type: 'BudgetReleased', data: { amountMicros: 1000 } },
      0,
    ],
  ])('%s', (_, change, recorded, costMicros) => {
    const failure = { ...ending, code: 'model_unavailable', message: 'gone' } as const
    given(stepAggregates, open)
      .when(FailAnswer, { ...failure, settlement: settlement('c1', change) })
      .thenMatches({ accepted: { budgets: new Map([[stream, [recorded]]]), chat: [{}, { data: { costMicros } }] } })
  })

  test('is refused while another call is unsettled, because its cost would be lost', () => {
    const two: History = {
      chat: [...open.chat, called('c2')],
      budgets: new Map([[stream, [opened(), reserved('c1'), reserved('c2')]]]),
    }
    completing('c1', two).then({ refused: 'calls_still_open', details: { calls: 1 } })
  })

  test('cannot settle a call twice', () => {
    const ended: ChatEvent = {
      type: 'ModelCallEnded',
      data: { callId: 'c1', outcome: 'lost', usage: 'unknown', promptTokens: 0, completionTokens: 0, costMicros: 1000 },
    }
    completing('c1', { ...open, chat: [...open.chat, ended] }).thenMatches({ refused: 'call_not_open' })
  })

  test('charges every budget that the call is reserved in, the same amount under the same id', () => {
    const ofUser = budgetStream('user:anna', day)
    const both: History = {
      chat: [submitted, attempt, called('c1', [stream, ofUser])],
      budgets: new Map([
        [stream, [opened(), reserved('c1')]],
        [ofUser, [opened(), reserved('c1')]],
      ]),
    }
    const debit = { type: 'BudgetDebited', data: { callId: 'c1', actualMicros: 14 } }
    completing('c1', both, { budgets: [stream, ofUser] }).thenMatches({
      accepted: {
        budgets: new Map([
          [stream, [debit]],
          [ofUser, [debit]],
        ]),
      },
    })
  })
})

describe('the ledger', () => {
  const reserveWith = (amountMicros: number): AccountEvent[] => [
    { type: 'AccountOpened', data: { accountId: AccountId.parse('reserve') } },
    { type: 'AccountCredited', data: { transferId: 't1', amountMicros, reason: 'funding' } },
  ]
  const cost = { transferId: 'c1', amountMicros: 14, reason: 'pays a model call', ref: requestId }
  const spendOpened: AccountEvent = { type: 'AccountOpened', data: { accountId: AccountId.parse('spend') } }

  test('pays the cost of a call from the reserve to spend, in the same decision', () => {
    completing('c1', { ...open, reserve: reserveWith(100) }).thenMatches({
      accepted: {
        reserve: [{ type: 'AccountDebited', data: { ...cost, day } }],
        overrun: [],
        spend: [spendOpened, { type: 'AccountCredited', data: cost }],
      },
    })
  })

  test('pays from overrun what the reserve does not cover, because an incurred cost is never refused', () => {
    completing('c1', { ...open, reserve: reserveWith(10) }).thenMatches({
      accepted: {
        reserve: [{ type: 'AccountDebited', data: { ...cost, amountMicros: 10, day } }],
        overrun: [
          { type: 'AccountOpened', data: { accountId: 'overrun' } },
          { type: 'AccountDebited', data: { ...cost, amountMicros: 4, day } },
        ],
        spend: [spendOpened, { type: 'AccountCredited', data: cost }],
      },
    })
  })

  test('pays while the reserve is frozen, because the cost is incurred', () => {
    const frozen: AccountEvent = { type: 'AccountFrozen', data: { reason: 'audit' } }
    completing('c1', { ...open, reserve: [...reserveWith(100), frozen] }).thenMatches({
      accepted: { reserve: [{ type: 'AccountDebited', data: cost }], overrun: [] },
    })
  })

  test('moves nothing for a call that cost nothing', () => {
    completing('c1', open, { outcome: 'released' }).thenMatches({ accepted: { reserve: [], overrun: [], spend: [] } })
  })
})

describe('the throttle', () => {
  const near = (changes: Parameters<typeof opened>[0] = {}): History => ({
    chat: [submitted, attempt, called('c1')],
    budgets: new Map([[stream, [opened({ dailyMicros: 20, softPercent: 70, ...changes }), reserved('c1', 20)]]]),
  })

  test('is engaged by the debit that reaches the soft limit, and names when it ends', () => {
    completing('c1', near()).thenMatches({
      accepted: {
        budgets: new Map([
          [
            stream,
            [
              { type: 'BudgetDebited' },
              {
                type: 'ThrottleEngaged',
                data: { spentMicros: 14, softMicros: 14, dailyMicros: 20, until: '2026-11-24T00:00:00.000Z' },
              },
            ],
          ],
        ]),
      },
    })
  })

  test('is engaged once', () => {
    const engaged: BudgetEvent = {
      type: 'ThrottleEngaged',
      data: { spentMicros: 15, softMicros: 14, dailyMicros: 20, until: '2026-11-24T00:00:00.000Z' },
    }
    const history = near()
    history.budgets.get(stream)?.push(engaged)
    completing('c1', history).thenMatches({ accepted: { budgets: new Map([[stream, [{ type: 'BudgetDebited' }]]]) } })
  })

  test.each([
    ['below the soft limit', { softPercent: 71 }],
    ['where the policy gives full service up to the limit', { onExceed: 'stop' as const }],
  ])('is not engaged %s', (_, changes) => {
    completing('c1', near(changes)).thenMatches({
      accepted: { budgets: new Map([[stream, [{ type: 'BudgetDebited' }]]]) },
    })
  })
})

describe('a budget', () => {
  test('never overspends, for any order of reservations, settlements and releases', () => {
    const step = fc.record({
      call: fc.integer({ min: 0, max: 9 }),
      kind: fc.constantFrom('reserve', 'debit', 'lose'),
      amountMicros: fc.integer({ min: 0, max: 4_000_000 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const chatEvents: ChatEvent[] = [submitted, attempt]
        const budgetEvents: BudgetEvent[] = []
        let credited = 0
        for (const { call, kind, amountMicros } of steps) {
          const callId = `c${call}`
          const costMicros = Math.min(amountMicros, reservedOf(chatEvents, callId))
          const usage = kind === 'lose' ? 'unknown' : 'reported'
          const debit = {
            work: chatStream(requestId),
            attempt: 1,
            settlement: settlement(callId, { usage, costMicros }),
          }
          const history = { chat: chatEvents, budgets: new Map([[stream, budgetEvents]]) }
          const { decision } =
            kind === 'reserve'
              ? given(ReserveBudget.aggregates, history).when(ReserveBudget, reserve(requestId, callId, amountMicros))
              : given(stepAggregates, history).when(DebitBudget, debit)
          if (decision.outcome === 'accepted') {
            chatEvents.push(...(decision.events.chat ?? []))
            budgetEvents.push(...(decision.events.budgets?.get(stream) ?? []))
            if ('spend' in decision.events)
              for (const event of decision.events.spend ?? [])
                if (event.type === 'AccountCredited') credited += event.data.amountMicros
          }
          const state = budgetEvents.reduce((held, event) => budget.evolve(held, event), budget.initial)
          expect(availableMicros(state, defaultTerms)).toBeGreaterThanOrEqual(0)
        }
        const debited = budgetEvents.reduce(
          (sum, event) => sum + (event.type === 'BudgetDebited' ? event.data.actualMicros : 0),
          0,
        )
        const state = chatEvents.reduce((held, event) => chat.evolve(held, event), chat.initial)
        expect(state).toMatchObject({ costMicros: debited })
        expect(credited).toBe(debited)
      }),
    )
  })
})

const reservedOf = (events: readonly ChatEvent[], callId: string): number =>
  events.reduce(
    (amount, event) =>
      event.type === 'ModelCallStarted' && event.data.callId === callId ? event.data.reservedMicros : amount,
    0,
  )
