import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { budget } from '../../../src/commands/aggregates/budget.ts'
import { defaultTerms } from '../../../src/commands/aggregates/policy.ts'
import { throttledBy } from '../../../src/commands/budget/daily-budget.ts'
import { ReportHardLimit } from '../../../src/commands/budget/report-hard-limit.ts'
import { ReserveBudget } from '../../../src/commands/budget/reserve-budget.ts'
import { budgetStream, type BudgetEvent, type BudgetStream } from '../../../src/events/budget.ts'
import type { ChatEvent } from '../../../src/events/chat.ts'
import { dayOf } from '../../../src/events/day.ts'
import { councilScope, policyStream, type PolicyEvent } from '../../../src/events/policy.ts'
import { given } from '../../support/decider.ts'
import { day, opened, requestId, reserve, reserved } from './budget-events.ts'

const noon = '2026-11-23T12:00:00.000Z'
const policy = (dailyMicros: number): PolicyEvent => ({
  type: 'BudgetPolicySet',
  data: { scope: councilScope, ...defaultTerms, dailyMicros },
})
const refusal = { scope: councilScope, day, amountMicros: 501, dailyMicros: 10_000_000, spentMicros: 0 }
const reached = (dailyMicros: number, changes: object = {}): BudgetEvent => ({
  type: 'HardLimitReached',
  data: {
    kind: 'hard',
    amountMicros: 501,
    dailyMicros,
    spentMicros: 0,
    reservedMicros: dailyMicros - 500,
    reopensAt: '2026-11-24T00:00:00.000Z',
    timeZone: 'UTC',
    ...changes,
  },
})
const reporting = (history: BudgetEvent[], dailyMicros = defaultTerms.dailyMicros, now = noon, inForce = dailyMicros) =>
  given(
    ReportHardLimit.aggregates,
    { budget: history, policies: new Map([[policyStream(councilScope), [policy(inForce)]]]) },
    now,
  ).when(ReportHardLimit, { ...refusal, dailyMicros, reservedMicros: dailyMicros - 500 })
const nothing = { accepted: {} }

describe('a hard limit', () => {
  test('is reported with the figures of the refusal and the instant at which the budget reopens', () => {
    reporting([opened(), reserved('c0', 9_999_500)]).then({ accepted: { budget: [reached(10_000_000)] } })
  })

  test('is reported once a day', () => {
    reporting([opened(), reached(10_000_000)]).then(nothing)
  })

  test('that was raised is reported again where calls reach it too', () => {
    reporting([opened(), reached(10_000_000)], 20_000_000).thenMatches({
      accepted: { budget: [{ type: 'BudgetAdjusted', data: { dailyMicros: 20_000_000 } }, reached(20_000_000)] },
    })
  })

  test('that was lowered after it was reported is not reported again', () => {
    reporting([opened(), reached(10_000_000)], 5_000_000).then(nothing)
  })

  test('that was changed since the call was refused is left to the next refused call', () => {
    reporting([opened()], 10_000_000, noon, 20_000_000).then(nothing)
  })

  test('of a day that is over is not reported', () => {
    reporting([opened()], 10_000_000, '2026-11-24T00:00:00.000Z').then(nothing)
  })

  test('opens the budget of a day whose first call is refused', () => {
    reporting([]).then({ accepted: { budget: [opened(), reached(10_000_000)] } })
  })

  test('is not reported for a call that the budget covers', () => {
    const covered = { ...refusal, amountMicros: 500, reservedMicros: 9_999_500 }
    expect(ReportHardLimit.schema.safeParse(covered).success).toBe(false)
  })
})

/** One step of a budget's history: a call asks for money, a reserved call ends at a share of it, a person sets the limit, or time passes. */
const Step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('call' as const), amountMicros: fc.nat(60) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), costMicros: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('limit' as const), dailyMicros: fc.nat(200) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hours' as const), hours: fc.nat(12) }) },
)
const prompt: ChatEvent[] = [
  { type: 'PromptSubmitted', data: { requestId, conversationId: requestId, text: 'Why?', submittedAt: noon } },
  { type: 'AttemptStarted', data: { attempt: 1, worker: 'w', startedAt: noon } },
]

/** Takes the steps as workers do: a refused call is reported. Returns the events of each day, and the limits that refused calls. */
function lived(steps: readonly (typeof Step extends fc.Arbitrary<infer S> ? S : never)[]) {
  let nowMs = Date.parse(noon)
  let limit = policy(100)
  const days = new Map<BudgetStream, BudgetEvent[]>()
  const refusedAt = new Set<string>()
  for (const [index, step] of steps.entries()) {
    const now = new Date(nowMs).toISOString()
    const of = budgetStream('council', dayOf(now))
    const history = days.get(of) ?? []
    const policies = new Map([[policyStream(councilScope), [limit]]])
    const add = (events: readonly BudgetEvent[] = []) => days.set(of, [...(days.get(of) ?? []), ...events])
    switch (step.kind) {
      case 'limit':
        limit = policy(step.dailyMicros)
        break
      case 'hours':
        nowMs += step.hours * 3_600_000
        break
      case 'end': {
        const state = history.reduce((before, event) => budget.evolve(before, event), budget.initial)
        const [callId] = Object.keys(state.reservations)
        if (callId !== undefined) add([debited(callId, step.costMicros), ...throttledBy(state, step.costMicros, now)])
        break
      }
      case 'call': {
        const call = {
          ...reserve(requestId, `c${index}`, step.amountMicros),
          scopes: [{ scope: councilScope, day: dayOf(now) }],
        }
        const world = { chat: prompt, policies, budgets: new Map([[of, history]]) }
        const { decision } = given(ReserveBudget.aggregates, world, now).when(ReserveBudget, call)
        if (decision.outcome === 'accepted') add(decision.events.budgets?.get(of))
        else {
          const { amountMicros, dailyMicros, spentMicros, reservedMicros } = decision.details ?? {}
          const figures = { amountMicros, dailyMicros, spentMicros, reservedMicros } as Record<string, number>
          const report = ReportHardLimit.schema.parse({ scope: councilScope, day: dayOf(now), ...figures })
          const reports = given(ReportHardLimit.aggregates, { budget: history, policies }, now)
          const reported = reports.when(ReportHardLimit, report).decision
          if (reported.outcome === 'accepted') add(reported.events.budget)
          refusedAt.add(of)
        }
        break
      }
      default:
        step satisfies never
    }
  }
  return { days, refusedAt }
}

const debited = (callId: string, actualMicros: number): BudgetEvent => ({
  type: 'BudgetDebited',
  data: {
    ...{ callId, requestId, model: 'smollm2', phase: 'respond', member: 'council', usage: 'reported' },
    ...{ promptTokens: 1, completionTokens: 1, priceRef: 'smollm2@150/600', actualMicros },
  },
})

describe('over any history', () => {
  test('each day has at most one alert for each limit, and a hard one if it refused a call', () => {
    let alerted = 0
    fc.assert(
      fc.property(fc.array(Step, { minLength: 20, maxLength: 60 }), (steps) => {
        const { days, refusedAt } = lived(steps)
        for (const [of, events] of days) {
          const hard = events.flatMap((event) => (event.type === 'HardLimitReached' ? [event.data.dailyMicros] : []))
          expect(hard).toEqual([...new Set(hard)].toSorted((a, b) => a - b))
          expect(hard.length > 0).toBe(refusedAt.has(of))
          alerted += hard.length
          // Only a limit that a person has raised in between lets the throttle engage again.
          const soft = events.filter(({ type }) => type === 'ThrottleEngaged' || type === 'ThrottleLifted')
          expect(soft.every(({ type }, index) => (type === 'ThrottleEngaged') === (index % 2 === 0))).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
    expect(alerted).toBeGreaterThan(100)
  })
})
