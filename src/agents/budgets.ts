/** The budgets that a request is charged to, as a worker sees them before a command confirms it. */

import { budget, isThrottledOn } from '../commands/aggregates/budget.ts'
import { policiesOf, policy, termsOf, type Policy } from '../commands/aggregates/policy.ts'
import { budgetStream } from '../events/budget.ts'
import { zonedDay } from '../events/day.ts'
import type { Principal, StreamName } from '../events/identifiers.ts'
import { councilScope, subjectScope, type BudgetScope, type BudgetTerms } from '../events/policy.ts'
import { isoTime } from '../platform/clock.ts'
import type { AgentDependencies } from './run.ts'

type Reading = Pick<AgentDependencies, 'gate' | 'clock'>

/** A scope, the terms of its policy and its current day by them; null without a policy: the scope then has no budget. */
export type ChargedScope = { scope: BudgetScope; terms: BudgetTerms | null; day: string | null }

/** The scopes that a request of a subject is charged to, the council's first. `ReserveBudget` refuses days that are over by then. */
export async function chargedScopes({ gate, clock }: Reading, asker: Principal): Promise<ChargedScope[]> {
  const scopes = [councilScope, subjectScope(asker)]
  const streams = [...new Set(scopes.flatMap(policiesOf))]
  const policies = new Map<StreamName<'policy'>, Policy>()
  await Promise.all(streams.map(async (stream) => policies.set(stream, (await gate.load(policy, stream)).state)))
  const now = isoTime(clock.nowMs())
  return scopes.map((scope) => {
    const terms = termsOf(scope, policies)
    return { scope, terms, day: terms && zonedDay(now, terms.timeZone).day }
  })
}

/** The scopes whose spending of the day has reached the soft limit. */
export async function throttledScopes(reading: Reading, asker: Principal): Promise<BudgetScope[]> {
  const scopes = await chargedScopes(reading, asker)
  const throttled = await Promise.all(
    scopes.map(async ({ scope, terms, day }) => {
      if (terms === null || day === null) return []
      const { state } = await reading.gate.load(budget, budgetStream(scope, day))
      return isThrottledOn(state.spentMicros, terms) ? [scope] : []
    }),
  )
  return throttled.flat()
}
