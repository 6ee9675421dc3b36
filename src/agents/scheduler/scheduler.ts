/** The scheduler: acts for the clock on every stream whose deadline has come. One process of a council acts at a time. */

import type { Aggregate } from '../../commands/decider.ts'
import type { RefusalCode } from '../../commands/refusals.ts'
import type { CommandGate } from '../../commands/gate/gate.ts'
import { Principal, type StreamName, type Uuid7 } from '../../events/identifiers.ts'
import type { Deadline, EventLog } from '../../events/log/log.ts'
import { isoTime, type Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { clockActionOf, type ClockAction } from './clock-actions.ts'
import { dueStreams, type DueStreams } from './due-streams.ts'
import { schedulerLease, type LeaseSettings, type LeaseState } from './lease.ts'

export type SchedulerDependencies = {
  log: Pick<EventLog, 'holdLease' | 'deadlines' | 'correctDeadline'>
  gate: Pick<CommandGate, 'execute' | 'load'>
  aggregateOf: (stream: StreamName) => Aggregate<unknown> | undefined
  /** Completes the index of deadlines, where it is not complete. Called with every renewal of the lease. */
  completeIndex: () => Promise<unknown>
  clock: Clock
  newId: () => Uuid7
  /** Resolves after this time, or as soon as the signal aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>
  logger: Logger
}

/**
 * `acting`: this process acts, next at `nextAt` (ISO 8601 UTC; null: nothing will be due). `waiting`: the process `by` acts.
 * `failing`: it cannot act, and tries again.
 */
export type SchedulerStatus =
  | { state: 'starting' }
  | { state: 'acting'; nextAt: string | null }
  | { state: 'waiting'; by: string }
  | { state: 'failing'; message: string }

export type Scheduler = {
  status: () => SchedulerStatus
  /** Ends the actions under way and gives the lease to the next process. */
  stop: () => Promise<void>
}

const principal = Principal.parse('service:scheduler')
/** An append may set a deadline before all others: it is noticed this late at most. */
const pollMs = 1_000
const retryMs = 1_000

/**
 * Acts on due streams until it is stopped, the oldest deadline first, also on those that came due while no scheduler ran. To act twice
 * is harmless: the command decides by the state whether anything is due.
 */
export function startScheduler(dependencies: SchedulerDependencies, settings: LeaseSettings): Scheduler {
  const { log, completeIndex, clock, sleep, logger } = dependencies
  const lease = schedulerLease(log, settings, clock, logger)
  const streams = dueStreams(log, clock, logger)
  const stopping = new AbortController()
  let status: SchedulerStatus = { state: 'starting' }
  let renewedFor = -Infinity

  /** Returns how long to wait before the next round. */
  async function round(): Promise<number> {
    const state = await lease.hold()
    if (!state.held) {
      status = { state: 'waiting', by: state.by }
      return Math.max(1, Math.min(state.leftMs, settings.leaseMs / 3))
    }
    if (renewedFor !== state.dueAtMs) await completeIndex()
    renewedFor = state.dueAtMs
    const { due, nextAtMs } = await streams.next()
    status = { state: 'acting', nextAt: Number.isFinite(nextAtMs) ? isoTime(nextAtMs) : null }
    const commands = await Promise.all(due.map((deadline) => prepare(dependencies, streams, deadline)))
    // The gate decides the commands in this order, and one append writes many of them.
    const outcomes = await Promise.all(
      commands.flatMap((command) => (command ? [act(dependencies, streams, command, state.token)] : [])),
    )
    if (outcomes.includes('fenced')) lease.lost()
    return due.length > 0 ? 0 : untilNext(state, nextAtMs)
  }

  const untilNext = ({ dueAtMs }: Extract<LeaseState, { held: true }>, nextAtMs: number): number => {
    const nowMs = clock.nowMs()
    return Math.max(1, Math.min(nextAtMs, dueAtMs, nowMs + pollMs) - nowMs)
  }

  const done = (async () => {
    while (!stopping.signal.aborted) {
      let waitMs = retryMs
      try {
        waitMs = await round()
      } catch (error) {
        status = { state: 'failing', message: messageOf(error) }
        logger.warn({ err: error }, 'the clock cannot act; trying again')
      }
      if (waitMs > 0) await sleep(waitMs, stopping.signal)
    }
    await lease
      .giveUp()
      .catch((error: unknown) => logger.warn({ err: error }, 'the lease of the clock expires by itself'))
  })()

  return {
    status: () => status,
    async stop() {
      stopping.abort()
      await done
    },
  }
}

type Prepared = { deadline: Deadline; definition: ClockAction['definition']; input: unknown }

/** The command of a due stream; null for a stream on which the clock cannot act. */
async function prepare(
  { gate }: SchedulerDependencies,
  streams: DueStreams,
  deadline: Deadline,
): Promise<Prepared | null> {
  const action = clockActionOf(deadline.stream)
  try {
    if (!action) throw new Error('the clock has no action for it')
    return { deadline, definition: action.definition, input: await action.inputOf(deadline.stream, gate) }
  } catch (error) {
    streams.holdBack(deadline, messageOf(error))
    return null
  }
}

/** A freeze lasts until a person lifts it. */
const frozen: ReadonlySet<RefusalCode> = new Set(['treasury_frozen', 'account_frozen'])

/** Gives a due stream its command. Throws if the log does not answer; the stream stays due then. */
async function act(
  dependencies: SchedulerDependencies,
  streams: DueStreams,
  { deadline, definition, input }: Prepared,
  fence: number,
): Promise<'done' | 'fenced'> {
  const { gate, newId } = dependencies
  const result = await gate.execute(definition, input, { commandId: newId(), principal, fence })
  switch (result.result) {
    case 'appended':
    case 'duplicate':
      streams.acted(deadline)
      return 'done'
    // The clock proposes nothing: its commands carry out what was decided before.
    case 'approval_required':
      streams.holdBack(deadline, 'its command waits for an approval')
      return 'done'
    case 'refused':
      if (result.code === 'nothing_due') await correct(dependencies, streams, deadline)
      else if (frozen.has(result.code)) streams.putOff(deadline)
      else streams.holdBack(deadline, `its command was refused: ${result.code}`)
      return 'done'
    case 'rejected':
      if (result.code === 'fenced') return 'fenced'
      if (result.code !== 'malformed_command' && result.code !== 'state_too_large')
        throw new Error(`${result.code}: ${result.message}`)
      streams.holdBack(deadline, result.message)
      return 'done'
    default:
      return result satisfies never
  }
}

/** Nothing is due, although the index says so: brings the index in line with the state. */
async function correct(
  { log, gate, aggregateOf, logger }: SchedulerDependencies,
  streams: DueStreams,
  { stream, atMs }: Deadline,
): Promise<void> {
  const aggregate = aggregateOf(stream)
  if (!aggregate) return streams.holdBack({ stream, atMs }, 'no aggregate has this stream')
  const { revision, state } = await gate.load(aggregate, stream)
  const deadlineMs = aggregate.nextDeadlineMs?.(state) ?? null
  if (deadlineMs === atMs)
    return streams.holdBack({ stream, atMs }, 'its state says that it is due, and its command says that it is not')
  await log.correctDeadline({ stream, revision, deadlineMs })
  logger.warn({ stream, was: isoTime(atMs) }, 'the index of deadlines was wrong; it was corrected')
}
