import { isDeepStrictEqual } from 'node:util'
import { account as aggregate, type LiveAccount } from '../../commands/aggregates/account.ts'
import { accountStream, isAccountEvent, type AccountEvent, type AccountId } from '../../events/account.ts'
import type { RecordedEvent } from '../../events/event.ts'
import { comparePositions, type Position, type StreamName } from '../../events/identifiers.ts'
import type { LogReader } from '../../events/log/log.ts'
import { isoTime } from '../../platform/clock.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { accounts, selectAccount, type AccountRow } from '../../projections/accounts.ts'
import { loadRegistered } from '../../projections/engine/checkpoint.ts'
import { readConsistently } from '../../projections/engine/snapshot.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { endOf, inRange, type Range } from '../log-point.ts'
import { dollarsAndMicros } from '../money.ts'
import type { Output } from '../output.ts'
import { assertStateIsFold } from '../log/stored-state.ts'
import { openLogForReading, openReadModels } from '../stores.ts'

/** What one event did to an account, and how the account stood after it. Amounts are integer micro-dollars. */
type Step = { event: RecordedEvent<AccountEvent>; changeMicros: number; after: LiveAccount; reservedMicros: number }

/** What is promised, and the event behind it. */
type OpenReservation = { reservationId: string; amountMicros: number; expiresAt: string; position: Position }

type ReadModel =
  | { state: 'agrees' | 'behind'; position: Position }
  | { state: 'unavailable'; message: string }
  | { state: 'differs'; message: string }

/**
 * `council audit account`: what happened to one account, event by event, with its balance and what is promised after each, and the
 * position of the event behind every figure; and whether the stored state and the read model say the same. Throws CliError
 * `account_unknown`, `fold_failed`, `state_differs` and `read_model_differs`.
 */
export async function auditAccount(
  accountId: AccountId,
  options: Range,
  { config, output }: CliContext,
): Promise<number> {
  const within = inRange(options)
  await using closing = new AsyncDisposableStack()
  const log = await openLogForReading(config, closing)
  const stream = accountStream(accountId)
  // The state and the read model first: both are then a part of what the log shows, however busy the council is.
  const [stored] = await log.loadStates([stream])
  const row = await readRow(accountId, () => openReadModels(config, closing))
  const events = await eventsOf(log, stream)
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

  for (const step of steps.filter(({ event }) => within(event.position))) await printStep(output, step)
  const shown = steps.findLast(({ event }) => !options.to || comparePositions(event.position, endOf(options.to)) <= 0)
  const readModel = compareRow(events, row)
  if (shown) await printSummary(output, accountId, shown, steps, readModel)
  if (readModel.state === 'differs') throw new CliError('read_model_differs', readModel.message)
  return 0
}

async function eventsOf(log: LogReader, stream: StreamName): Promise<RecordedEvent<AccountEvent>[]> {
  const events: RecordedEvent<AccountEvent>[] = []
  for await (const page of log.read({ streams: [stream] })) events.push(...page.filter(isAccountEvent))
  return events
}

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

type StoredRow = { row: AccountRow | null; sequence: number; position: Position } | { unavailable: string }

async function readRow(accountId: AccountId, open: () => ReturnType<typeof openReadModels>): Promise<StoredRow> {
  try {
    return await readConsistently(await open(), ['accounts'], async (tx) => {
      const registered = await loadRegistered(tx, 'accounts')
      if (!registered) return { unavailable: 'it was never built' }
      return {
        row: (await selectAccount(tx, accountId)) ?? null,
        sequence: registered.sequence,
        position: registered.position,
      }
    })
  } catch (error) {
    return { unavailable: messageOf(error) }
  }
}

function compareRow(events: readonly RecordedEvent<AccountEvent>[], stored: StoredRow): ReadModel {
  if ('unavailable' in stored) return { state: 'unavailable', message: stored.unavailable }
  const { row, sequence, position } = stored
  const known = events.filter((event) => event.sequence <= sequence)
  const expected = known.reduce<AccountRow | undefined>(accounts.evolve, undefined) ?? null
  if (isDeepStrictEqual({ ...row }, { ...expected }))
    return { state: known.length === events.length ? 'agrees' : 'behind', position }
  return {
    state: 'differs',
    message: `the read model shows ${JSON.stringify(row)} as of ${position}, the log says ${JSON.stringify(expected)}`,
  }
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
      return `${line}  ${output.paint('dim', inWords(event))}`.trimEnd()
    },
  )
}

function inWords({ type, data, metadata }: RecordedEvent<AccountEvent>): string {
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
    case 'AccountOpened':
      return `by ${metadata.actor}`
    default:
      return type satisfies never
  }
}

/** As of the last event that was asked for. */
async function printSummary(
  output: Output,
  accountId: AccountId,
  { event, after, reservedMicros }: Step,
  steps: readonly Step[],
  readModel: ReadModel,
): Promise<void> {
  const open = openReservations(after, steps)
  const { status, balanceMicros, limits } = after
  const summary = {
    kind: 'summary',
    account: accountId,
    status,
    balanceMicros,
    reservedMicros,
    limits,
    reservations: open,
    events: event.revision,
    last: event.position,
    readModel,
  }
  await output.result(summary, () => [
    '',
    output.paint(
      'bold',
      `${accountId}  ${status}, ${dollarsAndMicros(balanceMicros)}, of which ${reservedMicros.toLocaleString('en')} µ$ are promised, at ${event.position}`,
    ),
    ...open.map(
      ({ reservationId, amountMicros, expiresAt, position }) =>
        `promised  ${reservationId}  ${amountMicros.toLocaleString('en')} µ$ until ${expiresAt}, from ${position}`,
    ),
    sentence(readModel),
  ])
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

function sentence(readModel: ReadModel): string {
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
