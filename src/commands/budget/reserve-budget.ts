import { z } from 'zod'
import { accountStream, TransferId } from '../../events/account.ts'
import { Micros } from '../../events/amounts.ts'
import { budgetStream, type BudgetEvent, type BudgetStream } from '../../events/budget.ts'
import { zonedDay } from '../../events/day.ts'
import { AccountId } from '../../events/identifiers.ts'
import { WorkStream, workIdOf } from '../../events/model-call.ts'
import { BudgetScope, councilScope } from '../../events/policy.ts'
import { treasuryStream } from '../../events/treasury.ts'
import { account } from '../aggregates/account.ts'
import { budget, reservedMicros, type Budget, type OpenTerms } from '../aggregates/budget.ts'
import { policiesOf, policy, termsOf } from '../aggregates/policy.ts'
import { treasury } from '../aggregates/treasury.ts'
import { defineCommand } from '../decider.ts'
import { refused, type Refusal } from '../refusals.ts'
import { openedOn, shortfall } from './daily-budget.ts'
import { callsOf, onWork, workAggregates, workReads } from './paid-work.ts'

/** A scope that work is charged to, and its current day by its policy; null if no policy gives it a budget. */
const ChargedScope = z.strictObject({ scope: BudgetScope, day: z.iso.date().nullable() })
type ChargedScope = z.infer<typeof ChargedScope>

const reserveId = AccountId.parse('reserve')

/**
 * Reserves money for model calls before the calls, and records them on their work, in one append. Refused if the day's budget of any
 * scope cannot cover all of them: calls that run side by side are admitted together or not at all. Reservations count as spent. The
 * first reservation of a day opens its budget, in the same append. A person may have let a prompt exceed a limit. Refused while the treasury or its reserve, which
 * pays, is frozen.
 */
export const ReserveBudget = defineCommand({
  ...workAggregates,
  treasury,
  reserve: account,
  policies: [policy],
  budgets: [budget],
})({
  name: 'ReserveBudget',
  /**
   * A call that no budget covers leaves no other trace: an answer that fails for it records a message, and one that does with less not
   * even that. The refusal is the record of the demand, with its amount, calls, models and scopes, so that `simulate budget` can replay
   * it. The other refusals say that the worker was late, and are no demand.
   */
  recordsRefusals: ['budget_exceeded'],
  schema: z.strictObject({
    /** The council's first. */
    scopes: z
      .array(ChargedScope)
      .min(1)
      .max(4)
      .refine((scopes) => scopes[0]?.scope === councilScope, 'must begin with the council'),
    work: WorkStream,
    attempt: z.int().positive(),
    calls: z
      .array(
        z.strictObject({
          /** Also the name of the movement that pays for the call. */
          callId: TransferId,
          phase: z.string().min(1).max(32),
          member: z.string().min(1).max(64),
          model: z.string().min(1).max(256),
          amountMicros: Micros,
        }),
      )
      .min(1)
      .max(16),
    expiresAt: z.iso.datetime(),
  }),
  reads: ({ work, scopes }) => ({
    ...workReads(work),
    treasury: treasuryStream,
    reserve: accountStream(reserveId),
    policies: [...new Set(scopes.flatMap(({ scope }) => policiesOf(scope)))],
    budgets: budgetsOf(scopes),
  }),

  decide({ scopes, work, attempt, calls, expiresAt }, states, { now }) {
    const before = callsOf(states, work, attempt)
    if (typeof before === 'string') return refused(before)
    if (states.treasury.frozen) return refused('treasury_frozen')
    if (states.reserve.status === 'frozen') return refused('account_frozen', { account: reserveId })

    const budgets = new Map<BudgetStream, BudgetEvent[]>()
    const reserved: BudgetEvent[] = calls.map(({ callId, model, amountMicros }) => ({
      type: 'BudgetReserved',
      data: { callId, requestId: workIdOf(work), model, amountMicros, expiresAt },
    }))
    for (const { scope, day } of scopes) {
      const terms = termsOf(scope, states.policies)
      const today = terms && zonedDay(now, terms.timeZone)
      if ((today?.day ?? null) !== day) return refused('budget_day_over', { scope })
      if (!terms || !today) continue
      const stream = budgetStream(scope, today.day)
      const ofDay = states.budgets.get(stream) ?? budget.initial
      const open: OpenTerms = { ...terms, closesAt: today.closesAt }
      const mayExceed = states.chat.status === 'open' && states.chat.mayExceed.includes(stream)
      const refusal = admissionProblem({ scope, before: ofDay, terms: open }, scopes, calls)
      if (refusal && !(mayExceed && refusal.code === 'budget_exceeded')) return refusal
      budgets.set(stream, [...openedOn(ofDay, { scope, ...today }, terms), ...reserved])
    }
    return {
      outcome: 'accepted',
      events: {
        ...onWork(
          work,
          calls.map(({ callId, phase, member, model, amountMicros }) => ({
            type: 'ModelCallStarted',
            data: { callId, attempt, phase, member, model, budgets: [...budgets.keys()], reservedMicros: amountMicros },
          })),
        ),
        budgets,
      },
    }
  },
})

const budgetsOf = (scopes: readonly ChargedScope[]): BudgetStream[] =>
  scopes.flatMap(({ scope, day }) => (day === null ? [] : [budgetStream(scope, day)]))

/** Why a budget cannot cover all calls; null if it can. */
function admissionProblem(
  { scope, before, terms }: { scope: BudgetScope; before: Budget; terms: OpenTerms },
  scopes: readonly ChargedScope[],
  calls: readonly { callId: string; model: string; amountMicros: number }[],
): Refusal | null {
  const known = calls.find(({ callId }) => callId in before.reservations)
  if (known) return refused('call_exists', { callId: known.callId })
  const lacking = shortfall(before, terms, calls)
  return (
    lacking &&
    refused('budget_exceeded', {
      scope,
      dailyMicros: terms.dailyMicros,
      spentMicros: before.spentMicros,
      reservedMicros: reservedMicros(before),
      ...lacking,
      nextDay: terms.closesAt,
      onExceed: terms.onExceed,
      calls: calls.length,
      models: listed(calls.map(({ model }) => model)),
      scopes: listed(scopes.map((charged) => charged.scope)),
    })
  )
}

/** The longest text of a detail. */
const maxDetailCharacters = 500

const listed = (names: readonly string[]): string =>
  [...new Set(names)].join(', ').slice(0, maxDetailCharacters).toWellFormed()
