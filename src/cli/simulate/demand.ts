import { termsOf, type Policy } from '../../commands/aggregates/policy.ts'
import { ReserveBudget } from '../../commands/budget/reserve-budget.ts'
import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import { budgetStream, type BudgetEvent, type BudgetStream } from '../../events/budget.ts'
import { zonedDay } from '../../events/day.ts'
import type { Position, Principal, StreamName } from '../../events/identifiers.ts'
import { BudgetScope, councilScope, policyStream, subjectScope, type BudgetTerms } from '../../events/policy.ts'
import { noFigures, type DayFigures, type DemandStep, type Reservation } from './replay.ts'

/** The event types that demand is recorded in. */
export const demandTypes = [
  'PromptSubmitted',
  'PromptPaused',
  'PromptResumed',
  'BudgetPolicySet',
  'BudgetOpened',
  'BudgetAdjusted',
  'BudgetReserved',
  'BudgetDebited',
  'BudgetReleased',
  'ThrottleEngaged',
  'CommandRefused',
] as const

/** The bill of a settled call, or of a call that was never made (`null`): what other prices are applied to. */
export type CallFacts = {
  models: string[]
  at: string
  debit: Extract<BudgetEvent, { type: 'BudgetDebited' }>['data'] | null
}

/** The recorded demand, and the figures of each scope and day as they were. */
export type Demand = { steps: DemandStep[]; facts: Map<string, CallFacts>; recorded: Map<BudgetStream, DayFigures> }

/** The demand that was read so far, and what later events refer to. */
type Reading = {
  within: (position: Position) => boolean
  demand: Demand
  askers: Map<string, Principal>
  policies: Map<StreamName<'policy'>, Policy>
  settled: Set<string>
  /** By request: the budget for whose limit it waits, and the budgets whose limit it may exceed. */
  waiting: Map<string, BudgetStream>
  mayExceed: Map<string, readonly BudgetStream[]>
  /** The reservation that the next events of the same command belong to. */
  open: { command: string; reservation: Reservation } | null
}

/**
 * Reads the demand from the events of a log, in its order. `within` selects the positions that are counted; earlier events must be there
 * too, because they explain the state of the budgets.
 */
export function demandReader(within: (position: Position) => boolean): {
  take: (event: AnyRecordedEvent) => void
  demand: Demand
} {
  const demand: Demand = { steps: [], facts: new Map(), recorded: new Map() }
  const reading: Reading = {
    ...{ within, demand, askers: new Map(), policies: new Map(), settled: new Set(), open: null },
    ...{ waiting: new Map(), mayExceed: new Map() },
  }
  return { take: (event) => take(reading, event), demand }
}

function take(reading: Reading, event: AnyRecordedEvent): void {
  switch (event.type) {
    case 'PromptSubmitted':
      reading.askers.set(event.data.requestId, event.metadata.actor)
      return
    case 'PromptPaused':
      reading.waiting.set(requestIn(event), event.data.budget)
      return
    case 'PromptResumed': {
      const requestId = requestIn(event)
      const budget = reading.waiting.get(requestId)
      if (event.data.decision !== 'granted' || !budget) return
      reading.mayExceed.set(requestId, [...(reading.mayExceed.get(requestId) ?? []), budget])
      return
    }
    case 'BudgetPolicySet': {
      const { scope, ...terms } = event.data
      reading.policies.set(policyStream(scope), { terms })
      reading.demand.steps.push({ kind: 'policy', scope, terms })
      return
    }
    case 'BudgetOpened':
    case 'BudgetAdjusted':
      return count(reading, event, event.stream as BudgetStream, () => ({ terms: termsIn(event.data) }))
    case 'BudgetReserved':
      return reserved(reading, event)
    case 'CommandRefused':
      return refused(reading, event)
    case 'BudgetDebited':
      return debited(reading, event)
    case 'BudgetReleased': {
      const { callId } = event.data
      if (!reading.settled.has(callId)) reading.demand.steps.push({ kind: 'release', callId })
      reading.settled.add(callId)
      return
    }
    case 'ThrottleEngaged':
      return count(reading, event, event.stream as BudgetStream, ({ throttledFrom }) => ({
        throttledFrom: throttledFrom ?? event.metadata.occurredAt,
      }))
    default:
  }
}

const requestIn = ({ stream }: AnyRecordedEvent): string => stream.slice(stream.indexOf('/') + 1)

/** Changes the figures of a scope's day by an event that counts. */
function count(
  { within, demand: { recorded } }: Reading,
  { position }: AnyRecordedEvent,
  stream: BudgetStream,
  change: (row: DayFigures) => Partial<DayFigures>,
): void {
  if (!within(position)) return
  const [, scope, day = ''] = stream.split('/')
  const row = recorded.get(stream) ?? noFigures(BudgetScope.parse(scope), day)
  recorded.set(stream, { ...row, ...change(row) })
}

/** The calls of one command, which names each of them once in every budget. */
function reserved(reading: Reading, event: Extract<AnyRecordedEvent, { type: 'BudgetReserved' }>): void {
  const { callId, requestId, model, amountMicros } = event.data
  const { actor, commandId, occurredAt: at } = event.metadata
  const { steps, facts } = reading.demand
  const command = JSON.stringify([actor, commandId])
  const scope = BudgetScope.parse(event.stream.split('/')[1])
  if (reading.open?.command !== command) {
    const asker = reading.askers.get(requestId)
    const scopes = [councilScope, ...(asker === undefined ? [] : [subjectScope(asker)])]
    const isCounted = reading.within(event.position)
    const mayExceed = reading.mayExceed.get(requestId) ?? []
    const opened: Reservation = { kind: 'reservation', at, isCounted, scopes, calls: [], mayExceed, wasRefused: false }
    reading.open = { command, reservation: opened }
    steps.push(opened)
  }
  const { reservation } = reading.open
  if (!reservation.scopes.includes(scope)) reservation.scopes = [...reservation.scopes, scope]
  if (!facts.has(callId)) {
    reservation.calls.push({ callId, amountMicros })
    facts.set(callId, { models: [model], at, debit: null })
  }
  count(reading, event, event.stream as BudgetStream, ({ calls }) => ({ calls: calls + 1 }))
}

/** A refused reservation records its calls as one amount. */
function refused(reading: Reading, event: Extract<AnyRecordedEvent, { type: 'CommandRefused' }>): void {
  const { position, data, metadata } = event
  if (data.command !== ReserveBudget.name || data.code !== 'budget_exceeded') return
  const { scope, amountMicros, calls, models, scopes } = data.details
  const { steps, facts } = reading.demand
  const at = metadata.occurredAt
  const refusing = BudgetScope.parse(scope)
  const terms = termsOf(refusing, reading.policies)
  if (terms)
    count(reading, event, budgetStream(refusing, zonedDay(at, terms.timeZone).day), (row) => ({
      terms,
      refused: row.refused + Number(calls),
    }))
  const callIds = Array.from({ length: Number(calls) }, (_, index) => `refused at ${position}, call ${index + 1}`)
  for (const callId of callIds) facts.set(callId, { models: String(models).split(', '), at, debit: null })
  steps.push({
    kind: 'reservation',
    at,
    isCounted: reading.within(position),
    scopes: String(scopes)
      .split(', ')
      .map((name) => BudgetScope.parse(name)),
    // The parts add up to the amount, whichever call has all of it.
    calls: callIds.map((callId, index) => ({ callId, amountMicros: index === 0 ? Number(amountMicros) : 0 })),
    mayExceed: reading.mayExceed.get(metadata.requestId ?? '') ?? [],
    wasRefused: true,
  })
}

function debited(reading: Reading, event: Extract<AnyRecordedEvent, { type: 'BudgetDebited' }>): void {
  const { callId, actualMicros, model } = event.data
  const { steps, facts } = reading.demand
  count(reading, event, event.stream as BudgetStream, (row) => ({ spentMicros: row.spentMicros + actualMicros }))
  if (reading.settled.has(callId)) return
  reading.settled.add(callId)
  const at = event.metadata.occurredAt
  facts.set(callId, { models: [model], at: facts.get(callId)?.at ?? at, debit: event.data })
  steps.push({ kind: 'debit', at, isCounted: reading.within(event.position), callId, actualMicros })
}

const termsIn = ({ dailyMicros, softPercent, onExceed, timeZone }: BudgetTerms): BudgetTerms => ({
  dailyMicros,
  softPercent,
  onExceed,
  timeZone,
})
