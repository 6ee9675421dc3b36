import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { availableMicros, budget, defaultDailyMicros } from '../../../src/commands/aggregates/budget.ts'
import { chat } from '../../../src/commands/aggregates/chat.ts'
import { CompleteAnswer } from '../../../src/commands/chat/complete-answer.ts'
import { DebitBudget } from '../../../src/commands/budget/debit-budget.ts'
import { FailAnswer } from '../../../src/commands/chat/fail-answer.ts'
import { ReserveBudget } from '../../../src/commands/budget/reserve-budget.ts'
import type { Settlement } from '../../../src/commands/budget/settlement.ts'
import { type BudgetEvent, budgetStream } from '../../../src/events/budget.ts'
import type { ChatEvent } from '../../../src/events/chat.ts'
import { Uuid7 } from '../../../src/events/identifiers.ts'
import { given } from '../../support/decider.ts'

const requestId = Uuid7.parse('0199a0b0-0000-7000-8000-000000000001')
const day = '2026-11-23'
const stream = budgetStream('council', day)
const submitted: ChatEvent = {
  type: 'PromptSubmitted',
  data: { requestId, conversationId: requestId, text: 'Why?', submittedAt: '2026-11-23T11:59:58.000Z' },
}
const attempt: ChatEvent = {
  type: 'AttemptStarted',
  data: { attempt: 1, worker: 'w', startedAt: '2026-11-23T11:59:58.005Z' },
}
const called = (callId: string): ChatEvent => ({
  type: 'ModelCallStarted',
  data: {
    callId,
    attempt: 1,
    phase: 'respond',
    member: 'council',
    model: 'smollm2',
    budgets: [stream],
    reservedMicros: 1000,
  },
})
const reserved = (callId: string, amountMicros = 1000): BudgetEvent => ({
  type: 'BudgetReserved',
  data: { callId, requestId, model: 'smollm2', amountMicros, expiresAt: '2026-11-23T12:15:00.000Z' },
})
const settlement = (callId: string, change: Partial<Settlement> = {}): Settlement => ({
  callId,
  budget: stream,
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

const reserve = (callId: string, amountMicros: number) => ({
  scope: 'council' as const,
  day,
  requestId,
  attempt: 1,
  calls: [{ callId, phase: 'respond', member: 'council', model: 'smollm2', amountMicros }],
  expiresAt: '2026-11-23T12:15:00.000Z',
})

describe('reserving', () => {
  test('reserves money in the budget and records the call on the prompt, in one decision', () => {
    given({ chat, budget }, { chat: [submitted, attempt] })
      .when(ReserveBudget, reserve('c1', 1000))
      .then({ accepted: { chat: [called('c1')], budget: [reserved('c1')] } })
  })

  test('counts reservations as spent, and reports when the next budget starts', () => {
    given({ chat, budget }, { chat: [submitted, attempt], budget: [reserved('c0', defaultDailyMicros - 500)] })
      .when(ReserveBudget, reserve('c1', 501))
      .then({
        refused: 'budget_exceeded',
        details: { availableMicros: 500, amountMicros: 501, nextDay: '2026-11-24T00:00:00.000Z' },
      })
  })
})

describe('ending an answer', () => {
  const open = { chat: [submitted, attempt, called('c1')], budget: [reserved('c1')] }
  type History = { chat: ChatEvent[]; budget: BudgetEvent[] }
  const complete = (callId: string, history: History = open) =>
    given({ chat, budget }, history).when(CompleteAnswer, {
      ...ending,
      settlement: settlement(callId),
      finishReason: 'stop',
      reasons: [],
    })

  test('pays for its last call in the same decision', () => {
    const bill = {
      costMicros: 14,
      tokens: { promptTokens: 10, completionTokens: 20 },
      timings: { queuedMs: 5, firstTokenMs: 100, totalMs: 2000 },
    }
    complete('c1').thenMatches({
      accepted: {
        budget: [{ type: 'BudgetDebited', data: { callId: 'c1', actualMicros: 14, usage: 'reported' } }],
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
    given({ chat, budget }, open)
      .when(FailAnswer, { ...failure, settlement: settlement('c1', change) })
      .thenMatches({ accepted: { budget: [recorded], chat: [{}, { data: { costMicros } }] } })
  })

  test('is refused while another call is unsettled, because its cost would be lost', () => {
    const two = { chat: [...open.chat, called('c2')], budget: [...open.budget, reserved('c2')] }
    complete('c2', two).then({ refused: 'calls_still_open', details: { calls: 1 } })
  })

  test('cannot settle a call twice', () => {
    const ended: ChatEvent = {
      type: 'ModelCallEnded',
      data: { callId: 'c1', outcome: 'lost', usage: 'unknown', promptTokens: 0, completionTokens: 0, costMicros: 1000 },
    }
    complete('c1', { ...open, chat: [...open.chat, ended] }).thenMatches({ refused: 'call_not_open' })
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
        for (const { call, kind, amountMicros } of steps) {
          const callId = `c${call}`
          const costMicros = Math.min(amountMicros, reservedOf(chatEvents, callId))
          const usage = kind === 'lose' ? 'unknown' : 'reported'
          const debit = { requestId, attempt: 1, settlement: settlement(callId, { usage, costMicros }) }
          const world = given({ chat, budget }, { chat: chatEvents, budget: budgetEvents })
          const { decision } =
            kind === 'reserve'
              ? world.when(ReserveBudget, reserve(callId, amountMicros))
              : world.when(DebitBudget, debit)
          if (decision.outcome === 'accepted') {
            chatEvents.push(...(decision.events.chat ?? []))
            budgetEvents.push(...(decision.events.budget ?? []))
          }
          const state = budgetEvents.reduce((held, event) => budget.evolve(held, event), budget.initial)
          expect(availableMicros(state)).toBeGreaterThanOrEqual(0)
        }
        const debited = budgetEvents.reduce(
          (sum, event) => sum + (event.type === 'BudgetDebited' ? event.data.actualMicros : 0),
          0,
        )
        const state = chatEvents.reduce((held, event) => chat.evolve(held, event), chat.initial)
        expect(state).toMatchObject({ costMicros: debited })
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
