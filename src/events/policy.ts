import { z } from 'zod'
import { Micros } from './amounts.ts'
import type { EventOf } from './event.ts'
import { streamNameIn, type Principal, type StreamName } from './identifiers.ts'

/**
 * `policy/<scope>`: the standing budget policy of a scope. Source: domain rules, "Budget"; seed story 20.2.
 *
 * - `council`: everything that the council spends.
 * - `user:<id>`, `agent:<id>`: what it spends on behalf of one user or one agent.
 * - `user`, `agent`: the policy of every user or agent without one of its own.
 */
export const PolicyScope = z
  .string()
  .regex(
    /^(council|user|agent|(user|agent):[A-Za-z0-9:_.-]{1,120})$/,
    'must be council, user, agent, user:<id> or agent:<id>',
  )
  .brand<'PolicyScope'>()
export type PolicyScope = z.infer<typeof PolicyScope>

/** A scope that has budgets of its own: `council`, `user:<id>` or `agent:<id>`. */
export const BudgetScope = z
  .string()
  .regex(/^(council|(user|agent):[A-Za-z0-9:_.-]{1,120})$/, 'must be council, user:<id> or agent:<id>')
  .brand<'PolicyScope'>()
  .brand<'BudgetScope'>()
export type BudgetScope = z.infer<typeof BudgetScope>

export const councilScope = BudgetScope.parse('council')

/**
 * The scope of a subject. Characters that no stream name may have are written as `:` and their UTF-8 bytes in hexadecimal, so that two
 * subjects never share a budget.
 */
export const userScope = (subject: Principal): BudgetScope =>
  BudgetScope.parse(`user:${[...Buffer.from(subject)].map(inStreamName).join('')}`)

/** The scope of any subject: `agent:<id>` and `user:<id>` are scopes themselves. */
export function subjectScope(subject: Principal): BudgetScope {
  const itself = BudgetScope.safeParse(subject)
  return itself.success && (subject.startsWith('agent:') || subject.startsWith('user:'))
    ? itself.data
    : userScope(subject)
}

function inStreamName(byte: number): string {
  const character = String.fromCharCode(byte)
  return /[A-Za-z0-9_.-]/.test(character) ? character : `:${byte.toString(16).padStart(2, '0')}`
}

/** The scope whose policy holds where a scope has none of its own; null for the council, which has a default. */
export const fallbackScope = (scope: BudgetScope): PolicyScope | null =>
  scope === councilScope ? null : PolicyScope.parse(scope.slice(0, scope.indexOf(':')))

/**
 * What happens where a call would exceed the daily amount. `throttle`: from the soft limit on, the council answers shortly and by one
 * model; at the hard limit it refuses. `pause`: the same, but at the hard limit a person may grant more. `stop`: full service up to the
 * hard limit, then it refuses.
 */
export const onExceedModes = ['throttle', 'pause', 'stop'] as const
export type OnExceed = (typeof onExceedModes)[number]

/** The terms of a budget. `softPercent` of `dailyMicros` is the soft limit. */
export const budgetTerms = {
  dailyMicros: Micros,
  softPercent: z.int().min(1).max(100),
  onExceed: z.enum(onExceedModes),
  /** An IANA name: days begin and end at midnight there. */
  timeZone: z.string().min(1).max(64),
}
export const BudgetTerms = z.strictObject(budgetTerms)
export type BudgetTerms = z.infer<typeof BudgetTerms>

export const policyEvents = {
  BudgetPolicySet: {
    version: 1,
    summary: 'The standing budget policy of a scope was set. An open day continues under the new terms.',
    data: z.strictObject({ scope: PolicyScope, ...budgetTerms }),
  },
} as const

export type PolicyEvent = EventOf<typeof policyEvents>

export const policyStream = (scope: PolicyScope): StreamName<'policy'> =>
  streamNameIn('policy').parse(`policy/${scope}`)
