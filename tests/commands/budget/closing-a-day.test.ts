import { describe, expect, test } from 'vitest'
import { budget } from '../../../src/commands/aggregates/budget.ts'
import { CloseBudgetDay } from '../../../src/commands/budget/close-budget-day.ts'
import { DebitBudget } from '../../../src/commands/budget/debit-budget.ts'
import { stepAggregates } from '../../../src/commands/budget/settlement.ts'
import type { BudgetEvent } from '../../../src/events/budget.ts'
import { chatStream, type ChatEvent } from '../../../src/events/chat.ts'
import { given } from '../../support/decider.ts'
import { opened, requestId, reserved, stream } from './budget-events.ts'

const engaged: BudgetEvent = {
  type: 'ThrottleEngaged',
  data: { spentMicros: 8_000_000, softMicros: 8_000_000, dailyMicros: 10_000_000, until: '2026-11-24T00:00:00.000Z' },
}
const closing = (at: string, ...history: BudgetEvent[]) =>
  given({ budget }, { budget: history }, at).when(CloseBudgetDay, { budget: stream })
const deadlineOf = (...history: BudgetEvent[]) =>
  budget.nextDeadlineMs?.(history.reduce((held, event) => budget.evolve(held, event), budget.initial))

describe('the end of a day', () => {
  test('lifts its throttle, and not before', () => {
    closing('2026-11-23T23:59:59.999Z', opened(), engaged).then({ refused: 'nothing_due' })
    closing('2026-11-24T00:00:00.000Z', opened(), engaged).then({
      accepted: {
        budget: [{ type: 'ThrottleLifted', data: { why: 'day_ended', spentMicros: 0, dailyMicros: 10_000_000 } }],
      },
    })
  })

  test.each([
    ['that was not throttled', [opened()]],
    ['that was never opened', []],
    [
      'whose throttle was lifted',
      [
        opened(),
        engaged,
        { type: 'ThrottleLifted', data: { why: 'limit_raised', spentMicros: 0, dailyMicros: 20_000_000 } },
      ],
    ],
  ] as [string, BudgetEvent[]][])('has nothing to do on a day %s', (_, history) => {
    closing('2026-11-25T00:00:00.000Z', ...history).then({ refused: 'nothing_due' })
    expect(deadlineOf(...history)).toBeNull()
  })

  test.each([
    ['23', '2027-03-28T10:00:00.000Z', '2027-03-28T22:00:00.000Z'],
    ['24', '2026-11-23T10:00:00.000Z', '2026-11-23T23:00:00.000Z'],
    ['25', '2026-10-25T10:00:00.000Z', '2026-10-25T23:00:00.000Z'],
  ])('is the instant in which the next one begins in its time zone, after %s hours', (hours, at, closesAt) => {
    const day = [opened({ timeZone: 'Europe/Berlin' }, at), engaged]
    const [{ data }] = day as [Extract<BudgetEvent, { type: 'BudgetOpened' }>]
    expect((Date.parse(closesAt) - Date.parse(data.opensAt)) / 3_600_000).toBe(Number(hours))
    expect(deadlineOf(...day)).toBe(Date.parse(closesAt))
    closing(new Date(Date.parse(closesAt) - 1).toISOString(), ...day).then({ refused: 'nothing_due' })
    closing(closesAt, ...day).thenMatches({ accepted: { budget: [{ type: 'ThrottleLifted' }] } })
  })

  test('is the last of its throttle: a cost that arrives later does not engage it again', () => {
    const chat: ChatEvent[] = [
      {
        type: 'PromptSubmitted',
        data: { requestId, conversationId: requestId, text: 'Why?', submittedAt: '2026-11-23T23:59:58.000Z' },
      },
      { type: 'AttemptStarted', data: { attempt: 1, worker: 'w', startedAt: '2026-11-23T23:59:58.005Z' } },
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
    ]
    const settlement = {
      callId: 'c1',
      budgets: [stream],
      outcome: 'completed' as const,
      usage: 'reported' as const,
      promptTokens: 10,
      completionTokens: 20,
      priceRef: 'smollm2@150/600',
      costMicros: 9,
    }
    const budgets = new Map([[stream, [opened({ dailyMicros: 10 }), reserved('c1')]]])
    const settling = (at: string) =>
      given(stepAggregates, { chat, budgets }, at).when(DebitBudget, {
        work: chatStream(requestId),
        attempt: 1,
        settlement,
      })
    settling('2026-11-23T23:59:59.999Z').thenMatches({
      accepted: { budgets: new Map([[stream, [{ type: 'BudgetDebited' }, { type: 'ThrottleEngaged' }]]]) },
    })
    settling('2026-11-24T00:00:00.000Z').thenMatches({
      accepted: { budgets: new Map([[stream, [{ type: 'BudgetDebited' }]]]) },
    })
  })
})
