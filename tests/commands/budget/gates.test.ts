import { describe, expect, test } from 'vitest'
import { budget } from '../../../src/commands/aggregates/budget.ts'
import { defaultTerms } from '../../../src/commands/aggregates/policy.ts'
import { ReportHardLimit } from '../../../src/commands/budget/report-hard-limit.ts'
import { ReserveBudget } from '../../../src/commands/budget/reserve-budget.ts'
import { SetBudgetPolicy } from '../../../src/commands/budget/set-budget-policy.ts'
import { StartAttempt } from '../../../src/commands/chat/start-attempt.ts'
import { SubmitPrompt } from '../../../src/commands/chat/submit-prompt.ts'
import { budgetStream } from '../../../src/events/budget.ts'
import { councilScope, PolicyScope, userScope } from '../../../src/events/policy.ts'
import { Principal } from '../../../src/events/identifiers.ts'
import { reservationFor, today } from '../../support/budget-calls.ts'
import { newId, type TestCouncil } from '../../support/council.ts'
import { testCouncil } from '../../support/lifetimes.ts'

const callMicros = 1_000
const room = 50
const asked = 200
const tester = userScope(Principal.parse('tester'))

/** Reserves under one command id until the outcome is known, and reports a refusal, as a worker does. */
async function reserve(gate: TestCouncil, day: string): Promise<string> {
  const requestId = newId()
  await gate.execute(SubmitPrompt, { requestId, text: 'Why?' })
  await gate.execute(StartAttempt, { requestId, attempt: 1, worker: 'w' })
  const fields = {
    ...reservationFor(requestId, { amountMicros: callMicros }),
    scopes: [
      { scope: councilScope, day },
      { scope: tester, day },
    ],
  }
  const commandId = newId()
  for (;;) {
    const result = await gate.execute(ReserveBudget, fields, commandId)
    if (result.result === 'rejected' && result.code === 'overloaded') continue
    if (result.result === 'refused') await report(gate, day, result.details)
    return result.result === 'refused' ? result.code : result.result
  }
}

async function report(gate: TestCouncil, day: string, details: Record<string, string | number> = {}): Promise<void> {
  const { scope, amountMicros, dailyMicros, spentMicros, reservedMicros } = details
  const report = ReportHardLimit.schema.parse({ scope, day, amountMicros, dailyMicros, spentMicros, reservedMicros })
  const commandId = newId()
  for (;;) {
    const result = await gate.execute(ReportHardLimit, report, commandId)
    if (result.result !== 'rejected' || result.code !== 'overloaded') return
  }
}

describe('concurrent reservations', () => {
  test.each([1, 2, 4])(
    'against a budget with room for 50 admit exactly 50 of 200 over %i gate(s), also for the first use of the budget',
    async (gates) => {
      const first = await testCouncil()
      const others = await Promise.all(Array.from({ length: gates - 1 }, () => testCouncil(first.councilId)))
      const processes = [first, ...others]
      // The policy of every user bounds one who was never seen.
      const terms = { ...defaultTerms, dailyMicros: room * callMicros }
      await first.execute(SetBudgetPolicy, { scope: PolicyScope.parse('user'), ...terms })
      const day = today()
      const results = await Promise.all(
        Array.from({ length: asked }, (_, n) => reserve(processes[n % gates] ?? first, day)),
      )
      expect(
        Object.entries(Object.groupBy(results, (result) => result)).map(([code, of]) => [code, of?.length]),
      ).toEqual(
        expect.arrayContaining([
          ['appended', room],
          ['budget_exceeded', asked - room],
        ]),
      )
      for (const scope of [councilScope, tester]) {
        const { state } = await first.gate.load(budget, budgetStream(scope, day))
        expect(Object.values(state.reservations)).toEqual(Array.from({ length: room }, () => callMicros))
      }
      const opened = (await first.events()).filter(({ type }) => type === 'BudgetOpened')
      expect(opened.map(({ stream }) => stream).toSorted()).toEqual([
        budgetStream(councilScope, day),
        budgetStream(tester, day),
      ])
    },
    60_000,
  )

  test('that a budget refuses, 200 over four gates, report its hard limit exactly once', async () => {
    const first = await testCouncil()
    const others = await Promise.all(Array.from({ length: 3 }, () => testCouncil(first.councilId)))
    const processes = [first, ...others]
    await first.execute(SetBudgetPolicy, { scope: councilScope, ...defaultTerms, dailyMicros: callMicros - 1 })
    const day = today()
    const results = await Promise.all(
      Array.from({ length: asked }, (_, n) => reserve(processes[n % processes.length] ?? first, day)),
    )
    expect(new Set(results)).toEqual(new Set(['budget_exceeded']))
    const alerts = (await first.events()).filter(({ type }) => type === 'HardLimitReached')
    expect(alerts).toMatchObject([
      { stream: budgetStream(councilScope, day), data: { dailyMicros: callMicros - 1, amountMicros: callMicros } },
    ])
  }, 60_000)
})
