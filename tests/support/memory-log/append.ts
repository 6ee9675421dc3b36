import { isDeepStrictEqual } from 'node:util'
import {
  commandWindowMs,
  streamTimeMs,
  uuid7TimeMs,
  type Position,
  type StreamName,
} from '../../../src/events/identifiers.ts'
import { hashLifetimeMs, type KnownLog } from '../../../src/events/log/append/append.ts'
import { commandField, parseCommand } from '../../../src/events/log/append/command-ids.ts'
import { logKeys } from '../../../src/events/log/keys.ts'
import {
  LogStopped,
  type AppendRequest,
  type AppendResult,
  type ExpectedRevision,
  type StoredState,
} from '../../../src/events/log/log.ts'
import { parseState, stateText } from '../../../src/events/log/append/stored-states.ts'
import { entryOf, fieldOf, nextPosition, remember, type Held } from './held.ts'

/** As in append.ts; the contract tests check both sides of the limit. */
const maxIdAheadMs = 5 * 60_000

export const keys = logKeys('memory')

/** The steps of append.lua, in the same order: all checks, then all writes. */
export function appendTo(held: Held, known: KnownLog, nowMs: number, request: AppendRequest): AppendResult {
  const readIndex = new Map(request.reads.map(({ stream }, index) => [stream, index]))
  const indexOf = (stream: StreamName): number => readIndex.get(stream) ?? unread(stream)
  const idTimes = timesOf(request, indexOf)
  for (const { stream } of request.states) indexOf(stream)
  assertSameLog(held, known)
  const before = unusable(held, nowMs, request, idTimes)
  if (before) return before
  const stored = request.reads.map(({ stream }) => storedState(held, stream, nowMs))
  const conflicts = stored.filter((state, index) => !isExpected(state, request.reads[index]))
  if (conflicts.length > 0) return { result: 'conflict', current: conflicts }
  assertWritable(request, stored, indexOf)
  return write(held, nowMs, request, stored, indexOf)
}

const isExpected = (stored: StoredState, expected: ExpectedRevision | undefined): boolean =>
  expected?.revision === 'any' ||
  (expected?.revision === stored.revision &&
    (!expected.state ||
      isDeepStrictEqual(stored, parseState(stored.stream, stateText(stored.revision, expected.state)))))

export function storedState(held: Held, stream: StreamName, nowMs: number): StoredState {
  const live = held.states.get(stream)
  const timeMs = streamTimeMs(stream)
  if (live !== undefined || timeMs === undefined) return parseState(stream, live ?? null)
  const finishedAt = fieldOf(held, keys.finished(timeMs), stream, nowMs)
  return parseState(stream, finishedAt === undefined ? null : `${finishedAt}:finished`)
}

/** For each command, the times of its oldest and newest id: its own, and those of the streams that it starts. */
function timesOf(
  { commands, reads, events }: AppendRequest,
  indexOf: (stream: StreamName) => number,
): { oldest: number; newest: number }[] {
  const revisions: ExpectedRevision['revision'][] = reads.map(({ revision }) => revision)
  let next = 0
  return commands.map(({ commandId, events: count }) => {
    const times = [uuid7TimeMs(commandId)]
    for (const { stream } of events.slice(next, next + count)) {
      const read = indexOf(stream)
      const revision = revisions[read] ?? 0
      const startedAt = revision === 0 ? streamTimeMs(stream) : undefined
      if (startedAt !== undefined) times.push(startedAt)
      revisions[read] = revision === 'any' ? revision : revision + 1
    }
    next += count
    return { oldest: Math.min(...times), newest: Math.max(...times) }
  })
}

function assertSameLog({ incarnation, halted, sequence }: Held, known: KnownLog): void {
  if (incarnation !== known.incarnation)
    throw new LogStopped('log_replaced', `this is another log (incarnation ${incarnation})`)
  if (halted !== null) throw new LogStopped('log_halted', `an append failed in the middle of its writes (${halted})`)
  if (sequence < known.sequence)
    throw new LogStopped(
      'log_lost_its_tail',
      `the log came back with ${sequence} events, but ${known.sequence} were acknowledged`,
    )
}

/** The known commands, or else the fenced ones, or else those with ids outside the window. */
function unusable(
  held: Held,
  nowMs: number,
  { commands }: AppendRequest,
  idTimes: { oldest: number; newest: number }[],
): AppendResult | undefined {
  const duplicates: Extract<AppendResult, { result: 'duplicate' }> = { result: 'duplicate', known: [] }
  const stale: Extract<AppendResult, { result: 'stale_ids' }> = { result: 'stale_ids', expired: [], ahead: [] }
  commands.forEach(({ principal, commandId }, index) => {
    const stored = fieldOf(held, keys.commands(uuid7TimeMs(commandId)), commandField(principal, commandId), nowMs)
    const times = idTimes[index]
    if (stored !== undefined) duplicates.known.push({ index, ...parseCommand(stored) })
    else if (times && times.oldest < nowMs - commandWindowMs) stale.expired.push(index)
    else if (times && times.newest > nowMs + maxIdAheadMs) stale.ahead.push(index)
  })
  if (duplicates.known.length > 0) return duplicates
  const fenced = commands.flatMap(({ fence }, index) => (fence === undefined || fence === held.fence ? [] : [index]))
  if (fenced.length > 0) return { result: 'fenced', commands: fenced }
  if (stale.expired.length + stale.ahead.length > 0) return stale
  return undefined
}

function assertWritable(
  { commands, states, jobs }: AppendRequest,
  stored: readonly StoredState[],
  indexOf: (stream: StreamName) => number,
): void {
  for (const { stream, stateVersion, state, deadlineMs } of states) {
    const before = stored[indexOf(stream)]
    if (before?.status === 'live' && before.stateVersion > stateVersion)
      throw new LogStopped('state_of_newer_program', `the state of ${stream} was written by a newer program`)
    if (deadlineMs !== null && !(deadlineMs >= 0)) throw new Error('a deadline is a time in ms')
    if (!state && streamTimeMs(stream) === undefined)
      throw new Error('a stream whose name has no id time cannot finish')
  }
  for (const { command } of jobs) if (!commands[command]?.events) throw new Error('a job needs an event')
}

function write(
  held: Held,
  nowMs: number,
  request: AppendRequest,
  stored: readonly StoredState[],
  indexOf: (stream: StreamName) => number,
): AppendResult {
  const revisions = stored.map(({ revision }) => revision)
  const firstSequence = held.sequence + 1
  const positions: Position[] = []
  for (const event of request.events) {
    const revision = (revisions[indexOf(event.stream)] ?? 0) + 1
    revisions[indexOf(event.stream)] = revision
    held.lastPosition = nextPosition(held.lastPosition, nowMs)
    positions.push(held.lastPosition)
    held.entries.push(entryOf({ ...event, position: held.lastPosition, sequence: ++held.sequence, revision, mac: '' }))
  }
  for (const { stream, stateVersion, state, deadlineMs } of request.states) {
    const revision = revisions[indexOf(stream)] ?? 0
    const timeMs = streamTimeMs(stream)
    if (state) held.states.set(stream, stateText(revision, { stateVersion, state }))
    else held.states.delete(stream)
    if (state && deadlineMs !== null) held.deadlines.set(stream, deadlineMs)
    else held.deadlines.delete(stream)
    if (!state && timeMs !== undefined)
      remember(held, keys.finished(timeMs), stream, String(revision), nowMs, hashLifetimeMs)
  }
  rememberCommands(held, nowMs, request, positions)
  const finished = new Set(request.finishedJobs)
  held.work = held.work.filter(({ entry }) => !finished.has(entry))
  const anyRevisions = request.reads.flatMap(({ stream, revision }, index): [StreamName, number][] =>
    revision === 'any' ? [[stream, stored[index]?.revision ?? 0]] : [],
  )
  return { result: 'appended', firstSequence, positions, anyRevisions: new Map(anyRevisions) }
}

/** Stores the command ids with the positions of their events, and adds the jobs. */
function rememberCommands(
  held: Held,
  nowMs: number,
  { commands, jobs }: AppendRequest,
  positions: readonly Position[],
): void {
  const first = new Map<number, Position>()
  let next = 0
  commands.forEach(({ principal, commandId, contentHash, events }, index) => {
    const own = positions.slice(next, next + events)
    next += events
    const [oldest, newest] = [own[0], own.at(-1)]
    if (!oldest || !newest) return
    first.set(index, oldest)
    remember(
      held,
      keys.commands(uuid7TimeMs(commandId)),
      commandField(principal, commandId),
      `${contentHash} ${oldest} ${newest}`,
      nowMs,
      hashLifetimeMs,
    )
  })
  for (const { kind, stream, command } of jobs) {
    held.lastJob = nextPosition(held.lastJob, nowMs)
    held.work.push({ entry: held.lastJob, kind, stream, position: first.get(command) ?? unread(stream) })
  }
}

function unread(what: string): never {
  throw new Error(`${what} is written but was not read`)
}
