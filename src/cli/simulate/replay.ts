import { budget, type Budget } from '../../commands/aggregates/budget.ts'
import { termsOf, type Policy } from '../../commands/aggregates/policy.ts'
import { openedOn, shortfall, throttledBy } from '../../commands/budget/daily-budget.ts'
import { budgetStream, type BudgetEvent, type BudgetStream } from '../../events/budget.ts'
import { zonedDay } from '../../events/day.ts'
import type { StreamName } from '../../events/identifiers.ts'
import { BudgetScope, policyStream, type BudgetTerms, type PolicyScope } from '../../events/policy.ts'

/** One step of recorded demand. `at` is the time of its command (ISO 8601 UTC); only counted steps are in the figures. */
export type DemandStep =
  | { kind: 'policy'; scope: PolicyScope; terms: BudgetTerms }
  | Reservation
  | { kind: 'debit'; at: string; isCounted: boolean; callId: string; actualMicros: number }
  | { kind: 'release'; callId: string }

/** Calls that side by side asked for money. `wasRefused`: none of them was made, so what they would have cost is unknown. */
export type Reservation = {
  kind: 'reservation'
  at: string
  isCounted: boolean
  /** Every scope that pays if it has a policy, the council's first. */
  scopes: readonly BudgetScope[]
  calls: { callId: string; amountMicros: number }[]
  /** The budgets whose limit a person had let the prompt exceed. */
  mayExceed: readonly BudgetStream[]
  wasRefused: boolean
}

/** A scope's day. Amounts are integer micro-dollars. */
export type DayFigures = {
  scope: BudgetScope
  day: string
  /** The terms at the end of the day. */
  terms: BudgetTerms | null
  /** Admitted calls. */
  calls: number
  /** Calls that this scope refused. */
  refused: number
  /** When the spending first reached the soft limit; null: never. */
  throttledFrom: string | null
  spentMicros: number
  /** The part of `spentMicros` for calls that were never made: their reservations, so the most that they could cost. */
  atMostMicros: number
}

export const noFigures = (scope: BudgetScope, day: string): DayFigures => ({
  scope,
  day,
  terms: null,
  calls: 0,
  refused: 0,
  throttledFrom: null,
  spentMicros: 0,
  atMostMicros: 0,
})

/**
 * Decides recorded demand again, by the rules of the commands: the figures of each scope and day. `standing` replaces the policies of
 * its scopes for all time; other scopes have their recorded policies. Each call is demanded as it was, also after another call of its
 * request was refused. Pure.
 */
export function replay(
  steps: Iterable<DemandStep>,
  standing: ReadonlyMap<PolicyScope, BudgetTerms>,
): ReadonlyMap<BudgetStream, DayFigures> {
  const policies = new Map<StreamName<'policy'>, Policy>()
  for (const [scope, terms] of standing) policies.set(policyStream(scope), { terms })
  const books = openBooks()
  for (const step of steps)
    switch (step.kind) {
      case 'policy':
        if (!standing.has(step.scope)) policies.set(policyStream(step.scope), { terms: step.terms })
        break
      case 'reservation':
        reserve(books, policies, step)
        break
      case 'debit':
        books.debit(step.callId, step.actualMicros, { ...step, isAtMost: false })
        break
      case 'release':
        books.release(step.callId)
        break
      default:
        step satisfies never
    }
  return books.figures
}

/** As `ReserveBudget` decides: all scopes admit all calls, or the first that cannot refuses them. */
function reserve(
  books: Books,
  policies: ReadonlyMap<StreamName<'policy'>, Policy>,
  { at, scopes, calls, mayExceed, wasRefused, isCounted }: Reservation,
): void {
  const charged = scopes.flatMap((scope) => {
    const terms = termsOf(scope, policies)
    return terms ? [{ scope, terms, today: zonedDay(at, terms.timeZone) }] : []
  })
  const refusing = charged.find(({ scope, terms, today: { day } }) => {
    const stream = budgetStream(scope, day)
    return !mayExceed.includes(stream) && shortfall(books.stateOf(stream), terms, calls)
  })
  if (refusing) {
    const { scope, terms, today } = refusing
    if (isCounted) books.count(scope, today.day, ({ refused }) => ({ terms, refused: refused + calls.length }))
    return
  }
  for (const { scope, terms, today } of charged) {
    const stream = budgetStream(scope, today.day)
    books.write(stream, openedOn(books.stateOf(stream), { scope, ...today }, terms))
    books.write(stream, calls.map(reservedEvent))
    if (isCounted) books.count(scope, today.day, (row) => ({ terms, calls: row.calls + calls.length }))
  }
  const streams = charged.map(({ scope, today }) => budgetStream(scope, today.day))
  for (const call of calls) {
    books.open(call, streams)
    if (wasRefused) books.debit(call.callId, call.amountMicros, { at, isCounted, isAtMost: true })
  }
}

type Books = ReturnType<typeof openBooks>

/** The budgets while demand is replayed, the calls that are open in them, and their figures. */
function openBooks() {
  const states = new Map<BudgetStream, Budget>()
  const figures = new Map<BudgetStream, DayFigures>()
  const calls = new Map<string, { streams: readonly BudgetStream[]; amountMicros: number }>()
  const stateOf = (stream: BudgetStream): Budget => states.get(stream) ?? budget.initial

  const write = (stream: BudgetStream, events: readonly BudgetEvent[]): void =>
    void states.set(
      stream,
      events.reduce((state, event) => budget.evolve(state, event), stateOf(stream)),
    )
  const count = (scope: BudgetScope, day: string, change: (row: DayFigures) => Partial<DayFigures>): void => {
    const stream = budgetStream(scope, day)
    const row = figures.get(stream) ?? noFigures(scope, day)
    figures.set(stream, { ...row, ...change(row) })
  }

  return {
    figures,
    stateOf,
    write,
    count,
    open: ({ callId, amountMicros }: Reservation['calls'][number], streams: readonly BudgetStream[]) =>
      void calls.set(callId, { streams, amountMicros }),

    /** As a settlement decides. A call that was refused here pays nothing. */
    debit(
      callId: string,
      actualMicros: number,
      { at, isCounted, isAtMost }: { at: string; isCounted: boolean; isAtMost: boolean },
    ): void {
      for (const stream of calls.get(callId)?.streams ?? []) {
        const throttle = throttledBy(stateOf(stream), actualMicros, at)
        write(stream, [debitedEvent(callId, actualMicros), ...throttle])
        if (!isCounted) continue
        const [, scope, day = ''] = stream.split('/')
        count(BudgetScope.parse(scope), day, (row) => ({
          spentMicros: row.spentMicros + actualMicros,
          atMostMicros: row.atMostMicros + (isAtMost ? actualMicros : 0),
          throttledFrom: row.throttledFrom ?? (throttle.length > 0 ? at : null),
        }))
      }
      calls.delete(callId)
    },

    release(callId: string): void {
      const call = calls.get(callId)
      for (const stream of call?.streams ?? []) write(stream, [releasedEvent(callId, call?.amountMicros ?? 0)])
      calls.delete(callId)
    },
  }
}

/** The budget keeps only the ids and amounts of these; the rest describes no real call. */
const unnamed = { requestId: '', model: '' }

const reservedEvent = ({ callId, amountMicros }: Reservation['calls'][number]): BudgetEvent => ({
  type: 'BudgetReserved',
  data: { ...unnamed, callId, amountMicros, expiresAt: '' },
})

const debitedEvent = (callId: string, actualMicros: number): BudgetEvent => ({
  type: 'BudgetDebited',
  data: {
    ...{ ...unnamed, callId, phase: '', member: '', usage: 'reported' },
    ...{ promptTokens: 0, completionTokens: 0, priceRef: '', actualMicros },
  },
})

const releasedEvent = (callId: string, amountMicros: number): BudgetEvent => ({
  type: 'BudgetReleased',
  data: { requestId: '', callId, amountMicros, reason: '' },
})
