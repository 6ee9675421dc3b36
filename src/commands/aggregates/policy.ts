import {
  councilScope,
  fallbackScope,
  policyStream,
  type BudgetScope,
  type BudgetTerms,
  type PolicyEvent,
} from '../../events/policy.ts'
import type { StreamName } from '../../events/identifiers.ts'
import type { Aggregate } from '../decider.ts'

/** The terms of a scope's standing policy; null before the first one. */
export type Policy = { terms: BudgetTerms | null }

export const policy: Aggregate<Policy, PolicyEvent, 'policy'> = {
  category: 'policy',
  stateVersion: 1,
  initial: { terms: null },
  evolve(_, { data: { scope: _scope, ...terms } }) {
    return { terms }
  },
}

/** The council's policy before an operator sets one: $10 a day, soft limit 80 %, in UTC. Source: domain rules, seed story 20.2. */
export const defaultTerms: BudgetTerms = {
  dailyMicros: 10_000_000,
  softPercent: 80,
  onExceed: 'throttle',
  timeZone: 'UTC',
}

/** The streams of the policies that may hold for a scope: its own, and the one that it falls back to. */
export const policiesOf = (scope: BudgetScope): StreamName<'policy'>[] => {
  const fallback = fallbackScope(scope)
  return [policyStream(scope), ...(fallback === null ? [] : [policyStream(fallback)])]
}

/** The terms that hold for a scope; null if it has no budget. */
export function termsOf(scope: BudgetScope, policies: ReadonlyMap<StreamName<'policy'>, Policy>): BudgetTerms | null {
  for (const stream of policiesOf(scope)) {
    const terms = policies.get(stream)?.terms
    if (terms) return terms
  }
  return scope === councilScope ? defaultTerms : null
}
