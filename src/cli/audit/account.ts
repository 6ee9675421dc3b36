import { sql } from 'kysely'
import { account as aggregate, type LiveAccount } from '../../commands/aggregates/account.ts'
import { accountStream, isAccountEvent, type AccountEvent } from '../../events/account.ts'
import type { RecordedEvent } from '../../events/event.ts'
import { type AccountId, comparePositions, type Position, type StreamName } from '../../events/identifiers.ts'
import { isoTime } from '../../platform/clock.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { accounts } from '../../projections/accounts.ts'
import type { EntryRow } from '../../projections/entries.ts'
import { statementCsv } from '../../projections/statement.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { endOf } from '../../events/log-point.ts'
import { inRange, type Range } from '../range.ts'
import { dollarsAndMicros } from '../money.ts'
import type { Output } from '../output.ts'
import { assertStateIsFold } from '../log/stored-state.ts'
import { assertAgrees, auditTable, type Comparison } from './audit-table.ts'
import { openEvidence, type FoundBy } from './evidence.ts'
import { statementOf } from './statement.ts'

/** One event of an account, and the account after it. Amounts are integer micro-dollars. */
type Step = { event: RecordedEvent<AccountEvent>; changeMicros: number; after: LiveAccount; reservedMicros: number }

/** A reservation that has not ended, and the position of the event that made it. */
type OpenReservation = { reservationId: string; amountMicros: number; expiresAt: string; position: Position }

export type AccountOptions = Range & { explain?: true; csv?: true }

/**
 * `council audit account`: the events of one account, with its balance and its reserved amount after each and the position of
 * the event behind every figure; and whether the stored state and the read model agree. With `csv` its statement instead, as
 * `GET /v1/treasury/accounts/<id>/entries?format=csv` has it. Throws CliError `account_unknown`,
 * `fold_failed`, `evidence_differs`, `state_differs` and `read_model_differs`.
 */
export async function auditAccount(
  accountId: AccountId,
  options: AccountOptions,
  context: CliContext,
): Promise<number> {
  const { config, output } = context
  const { explain = false, csv = false } = options
  if (csv && output.json) throw new CliError('usage', 'there is one format: --csv or --json')
  const within = inRange(options)
  await using closing = new AsyncDisposableStack()
  const stream = accountStream(accountId)
  const rowOfAccount = { clauses: sql`where account_id = ${accountId}`, noun: 'account' }
  const { log, compare } = await auditTable(accounts, rowOfAccount, config, closing)
  // Before the events, so that these include everything that the state reflects.
  const [stored] = await log.loadStates([stream])
  const evidence = await openEvidence(log, context, closing)
  const history = await evidence.eventsOf([stream])
  const events = history.filter(isAccountEvent)
  const steps = foldSteps(stream, events)
  const [last] = steps.slice(-1)
  if (!last) throw new CliError('account_unknown', `there is no account ${accountId} in the log`)
  const asStored = stored && steps.findLast(({ event }) => event.revision <= stored.revision)
  if (stored)
    assertStateIsFold(
      stream,
      aggregate,
      stored,
      asStored && { revision: asStored.event.revision, state: asStored.after },
    )

  if (csv) await printStatement(output, await statementOf(accountId, history, within, evidence))
  else for (const step of steps) if (within(step.event.position)) await printStep(output, step)
  const shown = steps.findLast(({ event }) => !options.to || comparePositions(event.position, endOf(options.to)) <= 0)
  const readModel = compare(events)
  if (shown) {
    const summary = { accountId, shown, steps, readModel, foundBy: evidence.foundBy, explain }
    if (csv) for (const line of summaryLines(output, summary)) output.note(line)
    else await output.result(publicSummary(summary), () => ['', ...summaryLines(output, summary)])
  }
  assertAgrees(readModel)
  return 0
}

const printStatement = (output: Output, rows: readonly EntryRow[]): Promise<void> => output.write(statementCsv(rows))

function foldSteps(stream: StreamName, events: readonly RecordedEvent<AccountEvent>[]): Step[] {
  let state = aggregate.initial
  return events.map((event) => {
    try {
      const before = state.status === 'absent' ? 0 : state.balanceMicros
      state = aggregate.evolve(state, event)
      if (state.status === 'absent') throw new Error('no account comes of it')
      const reservedMicros = Object.values(state.reservations).reduce((sum, { amountMicros }) => sum + amountMicros, 0)
      return { event, changeMicros: state.balanceMicros - before, after: state, reservedMicros }
    } catch (error) {
      throw new CliError(
        'fold_failed',
        `the events of ${stream} do not follow each other, at ${event.position}: ${messageOf(error)}`,
      )
    }
  })
}

async function printStep(output: Output, { event, changeMicros, after, reservedMicros }: Step): Promise<void> {
  const { position, type, revision, data, metadata } = event
  const figures = { changeMicros, balanceMicros: after.balanceMicros, reservedMicros }
  await output.result(
    {
      kind: 'event',
      position,
      revision,
      type,
      occurredAt: metadata.occurredAt,
      actor: metadata.actor,
      commandId: metadata.commandId,
      ...figures,
      data,
    },
    () => {
      const change = changeMicros === 0 ? '' : `${changeMicros > 0 ? '+' : ''}${changeMicros.toLocaleString('en')}`
      const line = `${position.padEnd(17)}  ${type.padEnd(19)}  ${change.padStart(15)}  ${after.balanceMicros.toLocaleString('en').padStart(17)}  ${reservedMicros.toLocaleString('en').padStart(15)}`
      return `${line}  ${output.paint('dim', formatEvent(event))}`.trimEnd()
    },
  )
}

function formatEvent({ type, data, metadata }: RecordedEvent<AccountEvent>): string {
  switch (type) {
    case 'AccountCredited':
    case 'AccountDebited':
      return `${data.transferId}: ${data.reason}${data.ref === undefined ? '' : ` (${data.ref})`}`
    case 'FundsReserved':
      return `${data.reservationId}: ${data.amountMicros} µ$ until ${data.expiresAt}`
    case 'ReservationSettled':
    case 'LateCostSettled':
      return `${data.reservationId}: cost ${data.actualMicros} µ$ of ${data.reservedMicros} µ$; ${data.fromAccountMicros} from the account, ${data.fromReserveMicros} from reserve, ${data.fromOverrunMicros} from overrun`
    case 'ReservationReleased':
    case 'ReservationExpired':
      return `${data.reservationId}: ${data.amountMicros} µ$ are free again`
    case 'AccountFrozen':
    case 'AccountUnfrozen':
      return `by ${metadata.actor}: ${data.reason}`
    case 'AccountLimitsSet':
      return `${data.dailyMicros} µ$ a day, ${data.perActionMicros} µ$ an action`
    case 'AccountLimitsAdjusted':
      return `earned ${data.earnedMicros} µ$ and spent ${data.spentMicros} µ$ from ${data.from} to ${data.to}: ${data.factorPercent} % gives ${data.dailyMicros} µ$ a day, ${data.perActionMicros} µ$ an action`
    case 'AccountOpened':
      return `by ${metadata.actor}`
    default:
      return type satisfies never
  }
}

/** The account as of `shown`, the last event of the range. */
type Summary = {
  accountId: AccountId
  shown: Step
  steps: readonly Step[]
  readModel: Comparison
  foundBy: FoundBy
  explain: boolean
}

function publicSummary({ accountId, shown, steps, readModel, foundBy, explain }: Summary) {
  const { event, after, reservedMicros } = shown
  const { status, balanceMicros, limits } = after
  return {
    kind: 'summary',
    account: accountId,
    status,
    balanceMicros,
    reservedMicros,
    limits,
    reservations: openReservations(after, steps),
    events: event.revision,
    last: event.position,
    ...(explain && { from: figuresFrom(shown, steps) }),
    foundBy,
    readModel: publicComparison(readModel),
  }
}

function summaryLines(output: Output, { accountId, shown, steps, readModel, explain }: Summary): string[] {
  const { event, after, reservedMicros } = shown
  return [
    output.paint(
      'bold',
      `${accountId}  ${after.status}, ${dollarsAndMicros(after.balanceMicros)}, of which ${reservedMicros.toLocaleString('en')} µ$ are promised, at ${event.position}`,
    ),
    ...openReservations(after, steps).map(
      ({ reservationId, amountMicros, expiresAt, position }) =>
        `promised  ${reservationId}  ${amountMicros.toLocaleString('en')} µ$ until ${expiresAt}, from ${position}`,
    ),
    ...(explain
      ? Object.entries(figuresFrom(shown, steps)).map(
          ([figure, at]) => `${figure}  from ${at.join(', ') || 'no event'}`,
        )
      : []),
    formatComparison(readModel),
  ]
}

/** The events behind each figure of the summary. */
function figuresFrom({ event, after }: Step, steps: readonly Step[]): Record<string, Position[]> {
  const until = steps.filter((step) => step.event.revision <= event.revision)
  const newest = (...types: AccountEvent['type'][]): Position[] =>
    until.flatMap((step) => (types.includes(step.event.type) ? [step.event.position] : [])).slice(-1)
  return {
    balanceMicros: until.flatMap((step) => (step.changeMicros === 0 ? [] : [step.event.position])),
    reservedMicros: openReservations(after, until).map(({ position }) => position),
    status: newest('AccountOpened', 'AccountFrozen', 'AccountUnfrozen'),
    limits: newest('AccountLimitsSet'),
  }
}

function openReservations({ reservations }: LiveAccount, steps: readonly Step[]): OpenReservation[] {
  const made = new Map(
    steps.flatMap(({ event }) =>
      event.type === 'FundsReserved' ? [[event.data.reservationId as string, event.position]] : [],
    ),
  )
  return Object.entries(reservations).flatMap(([reservationId, { amountMicros, expiresAtMs }]) => {
    const position = made.get(reservationId)
    return position === undefined ? [] : [{ reservationId, amountMicros, expiresAt: isoTime(expiresAtMs), position }]
  })
}

/** One account is one row, so the counts of the comparison are left out. */
function publicComparison(readModel: Comparison) {
  const { state } = readModel
  return 'message' in readModel ? { state, message: readModel.message } : { state, position: readModel.position }
}

function formatComparison(readModel: Comparison): string {
  switch (readModel.state) {
    case 'agrees':
      return `stored state and read model agree, at ${readModel.position}`
    case 'behind':
      return `the stored state agrees; the read model agrees as far as it is, at ${readModel.position}`
    case 'unavailable':
      return `the stored state agrees; the read model could not be compared: ${readModel.message}`
    case 'differs':
      return `read model DIFFERS: ${readModel.message}`
    default:
      return readModel satisfies never
  }
}
