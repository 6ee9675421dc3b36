import { justBefore, streamTimeMs, type StreamName } from '../../events/identifiers.ts'
import type { RefusalEvent } from '../../events/refusals.ts'
import {
  LogStopped,
  type AppendResult,
  type EventLog,
  type KnownCommand,
  type StoredState,
} from '../../events/log/log.ts'
import { isoTime, type Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Aggregate } from '../decider.ts'
import { decideBatch, doneResult, resultOf, StateTooLarge, type DecidedBatch } from './decide-batch.ts'
import type { RefusalAllowance } from './refusal-allowance.ts'
import { hydrate, type CachedState, type StateCache } from './state-cache.ts'
import type { CommandResult, Pending, RejectionCode } from './types.ts'
import { refusalCodes } from '../refusals.ts'

export type WriteDependencies = {
  log: EventLog
  cache: StateCache
  clock: Clock
  /** Generates event ids. */
  newId: () => string
  recordsRefusalOf: RefusalAllowance
  logger: Logger
}

/** After this many conflicts the gate gives up a command. */
const maxConflicts = 1_000
/** The gate always reads a stream whose UUIDv7 is older than this; it may assume that a younger one is new. */
const newestIdsMs = 3_600_000

/** The decided part of a batch: as many commands as fit into one append. */
export type Decided = { batch: readonly Pending[]; aggregates: Aggregates; decided: DecidedBatch }

/** A batch whose append is in flight. */
export type AppendInFlight = Decided & { answer: Promise<AppendResult> }

/** Decides a batch on the current states. Passes on errors of the log. */
export async function decideFresh(dependencies: WriteDependencies, batch: readonly Pending[]): Promise<Decided> {
  const aggregates = aggregatesOf(batch)
  return decide(dependencies, batch, aggregates, await loadStates(dependencies, aggregates))
}

/**
 * Decides a batch on the states that the appends in flight lead to. The append names these states as expected, so it conflicts if
 * one of those appends fails. Null if a state must be read from the log first.
 */
export function decideSpeculatively(
  dependencies: WriteDependencies,
  batch: readonly Pending[],
  flights: readonly AppendInFlight[],
): Decided | null {
  const aggregates = aggregatesOf(batch)
  const before = new Map<StreamName, CachedState>()
  for (const [stream, aggregate] of aggregates) {
    const last = flights.findLast(({ decided }) => decided.after.has(stream))
    const held = last?.decided.after.get(stream) ?? cachedOrNew(dependencies, stream, aggregate)
    if (!held) return null
    before.set(stream, held)
  }
  return decide(dependencies, batch, aggregates, before)
}

function decide(
  { clock, newId, recordsRefusalOf }: WriteDependencies,
  batch: readonly Pending[],
  aggregates: Aggregates,
  before: ReadonlyMap<StreamName, CachedState>,
): Decided {
  const decided = decideBatch(batch, before, { now: isoTime(clock.nowMs()), newId, recordsRefusalOf })
  return { batch: batch.slice(0, batch.length - decided.undecided.length), aggregates, decided }
}

/** Sends a decided batch. If the answer is lost, the outcome of its commands is unknown, and `mayBeDone` is set. */
export function sendAppend({ log }: WriteDependencies, decided: Decided): AppendInFlight {
  const { request, commands } = decided.decided
  const answer = log.append(request).catch((error: unknown) => {
    if (mayHaveWritten(error)) for (const { pending } of commands) pending.mayBeDone = true
    throw error
  })
  // The writer awaits the answer later; until then a rejection must not count as unhandled.
  answer.catch(() => undefined)
  return { ...decided, answer }
}

/** A stopped log has written nothing, unless it halted during a write. */
const mayHaveWritten = (error: unknown): boolean => !(error instanceof LogStopped) || error.code === 'log_halted'

type Aggregates = ReadonlyMap<StreamName, Aggregate<unknown>>

/** Every aggregate that the commands read. */
function aggregatesOf(batch: readonly Pending[]): Aggregates {
  const aggregates = new Map<StreamName, Aggregate<unknown>>()
  for (const { reads } of batch)
    for (const { stream, aggregate } of reads) if (!aggregate.appendOnly) aggregates.set(stream, aggregate)
  return aggregates
}

async function loadStates(
  dependencies: WriteDependencies,
  aggregates: Aggregates,
): Promise<Map<StreamName, CachedState>> {
  const { log, cache } = dependencies
  const states = new Map<StreamName, CachedState>()
  const missing: StreamName[] = []
  for (const [stream, aggregate] of aggregates) {
    const held = cachedOrNew(dependencies, stream, aggregate)
    if (held) states.set(stream, held)
    else missing.push(stream)
  }
  if (missing.length === 0) return states
  const loaded = await log.loadStates(missing)
  for (const stored of loaded) states.set(stored.stream, await remember(log, cache, aggregates, stored))
  cache.expectsNew = loaded.every(({ status }) => status === 'absent')
  return states
}

/** A stream's state without reading the log: cached, or initial where the stream may be assumed to be new. */
function cachedOrNew(
  { cache, clock }: WriteDependencies,
  stream: StreamName,
  { initial }: Aggregate<unknown>,
): CachedState | undefined {
  const cached = cache.get(stream)
  if (cached || !cache.expectsNew) return cached
  // The log would treat an old id as an attempt to restart an old stream.
  const timeMs = streamTimeMs(stream)
  return timeMs === undefined || timeMs > clock.nowMs() - newestIdsMs ? { revision: 0, state: initial } : undefined
}

async function remember(
  log: EventLog,
  cache: StateCache,
  aggregates: Aggregates,
  stored: StoredState,
): Promise<CachedState> {
  const aggregate = aggregates.get(stored.stream)
  if (!aggregate) throw new Error(`the log returned ${stored.stream}, which no command reads`)
  const held = await hydrate(log, aggregate, stored)
  cache.set(stored.stream, held)
  return held
}

/**
 * Answers every command whose outcome the append determines, and returns the commands that must be decided again, in order.
 * A failed decision is reported only after the log has confirmed the states that it was based on.
 */
export async function settleBatch(
  { log, cache }: WriteDependencies,
  { batch, decided, aggregates }: Decided,
  outcome: AppendResult,
): Promise<Pending[]> {
  const { commands, after, failed } = decided
  const pendingAt = (index: number): Pending | undefined => commands[index]?.pending
  const settled = new Set<Pending | undefined>()
  switch (outcome.result) {
    case 'appended': {
      for (const [stream, { revision, state }] of after) cache.set(stream, { revision, state })
      settleAppended(commands, outcome)
      for (const { pending, error } of failed) settleFailed(pending, error)
      return []
    }
    case 'duplicate': {
      // All of them are done, even if reading the events of one fails.
      for (const { index, contentHash } of outcome.known) {
        const pending = pendingAt(index)
        if (pending?.contentHash === contentHash) pending.mayBeDone = true
      }
      for (const command of outcome.known) {
        const pending = pendingAt(command.index)
        if (pending) await settleKnown(log, pending, command)
        settled.add(pending)
      }
      break
    }
    case 'stale_ids': {
      for (const index of outcome.expired)
        giveUp(
          pendingAt(index),
          'id_expired',
          'an id of this command is older than the window in which ids are remembered',
        )
      for (const index of outcome.ahead)
        giveUp(
          pendingAt(index),
          'id_ahead',
          "the time of an id of this command is too far ahead of the log's clock: set your clock",
        )
      for (const index of [...outcome.expired, ...outcome.ahead]) settled.add(pendingAt(index))
      break
    }
    case 'fenced': {
      for (const index of outcome.commands) {
        // The log does not know the id and takes nothing more under this token, even if an earlier answer was lost.
        reject(pendingAt(index), 'fenced', 'nothing was done: another process has taken over the lease of this command')
        settled.add(pendingAt(index))
      }
      break
    }
    case 'conflict': {
      cache.expectsNew = false
      // The answer has the states that another gate wrote: the next decision starts from them.
      for (const stored of outcome.current) await remember(log, cache, aggregates, stored)
      for (const pending of batch) {
        if (++pending.conflicts <= maxConflicts) continue
        giveUp(pending, 'overloaded', 'others kept changing the same aggregates: try again')
        settled.add(pending)
      }
      break
    }
    default:
      return outcome satisfies never
  }
  return batch.filter((pending) => !settled.has(pending))
}

function settleAppended(
  commands: DecidedBatch['commands'],
  { positions, anyRevisions }: Extract<AppendResult, { result: 'appended' }>,
): void {
  const revisions = new Map(anyRevisions)
  const appendOnlyRevision = (stream: StreamName): number | undefined => {
    const before = revisions.get(stream)
    if (before === undefined) return undefined
    revisions.set(stream, before + 1)
    return before + 1
  }
  let next = 0
  for (const decided of commands) {
    decided.pending.settle(resultOf(decided, positions, next, appendOnlyRevision))
    next += decided.recorded
  }
}

async function settleKnown(log: EventLog, pending: Pending, { contentHash, first, last }: KnownCommand): Promise<void> {
  if (contentHash !== pending.contentHash)
    return reject(pending, 'command_id_reused', 'this command id was used before, for something else')
  const recorded = []
  for await (const page of log.read({ after: justBefore(first), upTo: last })) recorded.push(...page)
  // Between the two requests the log may have lost its tail: what the events were is then unknown.
  if (recorded[0]?.position !== first || recorded.at(-1)?.position !== last)
    throw new Error(`the log lacks events of a command that it remembers, from ${first} to ${last}`)
  const [refusal] = recorded
  if (refusal?.type === 'CommandRefused') return pending.settle(refusalAgain(refusal.data))
  pending.settle(
    doneResult(
      'duplicate',
      recorded.map(({ position, stream, revision, type }) => ({ position, stream, revision, type })),
    ),
  )
}

/** A refused command id stays refused, with the original code and details. */
function refusalAgain({ code, details }: RefusalEvent['data']): CommandResult {
  const known = refusalCodes.find((candidate) => candidate === code)
  if (!known) throw new Error(`the log has a refusal with the unknown code ${code}`)
  return Object.keys(details).length > 0
    ? { result: 'refused', code: known, details }
    : { result: 'refused', code: known }
}

/** Ends a command whose decision threw. */
function settleFailed(pending: Pending, error: unknown): void {
  if (error instanceof StateTooLarge) reject(pending, 'state_too_large', error.message)
  else pending.fail(error)
}

/** Rejects a command: its outcome is unknown if the answer to an append with it was lost; otherwise nothing was done. */
export function giveUp(pending: Pending | undefined, code: RejectionCode, why: string): void {
  if (pending?.mayBeDone)
    reject(pending, 'outcome_unknown', `it may have been done, ask again with the same command id: ${why}`)
  else reject(pending, code, `nothing was done: ${why}`)
}

function reject(pending: Pending | undefined, code: RejectionCode, message: string): void {
  pending?.settle({ result: 'rejected', code, message })
}
