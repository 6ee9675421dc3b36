import { readFileSync } from 'node:fs'
import type { RedisClient } from '../../../platform/redis/cluster.ts'
import { commandWindowMs, streamTimeMs, uuid7TimeMs, type Position, type StreamName } from '../../identifiers.ts'
import { commandField, parseCommand } from './command-ids.ts'
import { logLostItsTail, logReplaced } from '../integrity/log-stopped.ts'
import { hourOf, workersGroup, type LogKeys } from '../keys.ts'
import { LogStopped, type AppendRequest, type AppendResult } from '../log.ts'
import type { EventMacs } from '../integrity/mac.ts'
import { parseState, stateText } from './stored-states.ts'

/** How far the clock that made an id may be ahead of Redis' clock. */
export const maxIdAheadMs = 5 * 60_000
/** The lifetime of the hash of an hour of ids: the window, the clock difference and two hours. */
export const hashLifetimeMs = commandWindowMs + maxIdAheadMs + 2 * 3_600_000

/** The log that a process writes to, and the last sequence that the process has seen in it. */
export type KnownLog = { incarnation: string; sequence: number }

const script = readFileSync(new URL('append.lua', import.meta.url), 'utf8')
const fixedKeys = 5

/** The keys and arguments of append.lua, without the incarnation and the known sequence. */
type WrittenAppend = { keys: string[]; args: Argument[]; idTimes: IdTimes[] }

/**
 * Runs append.lua for one council and parses its reply. Throws LogStopped where this program must not go on writing. If the
 * connection fails, the outcome is unknown; sending the same request again is safe, because its command ids show whether it was applied.
 */
export async function append(
  redis: RedisClient,
  keys: LogKeys,
  { incarnation, sequence }: KnownLog,
  macs: EventMacs,
  request: AppendRequest,
): Promise<AppendResult> {
  const written = writeAppend(keys, incarnation, macs, request)
  const reply = await runScript(redis, written.keys, [incarnation, sequence, ...written.args])
  return interpret(reply, request, sequence, written.idTimes)
}

function writeAppend(keys: LogKeys, incarnation: string, macs: EventMacs, request: AppendRequest): WrittenAppend {
  const { commands, reads, events, states, jobs, finishedJobs } = request
  const hourKeys: string[] = []
  const commandKey = keyOfHour(hourKeys, keys.commands)
  const finishedKey = keyOfHour(hourKeys, keys.finished)
  const readIndex = new Map(reads.map(({ stream }, index) => [stream, index + 1]))
  const placed = place(request, readIndex, incarnation, macs)
  const { oldestMs, newestMs } = range(placed.idTimes)

  const args: Argument[] = [commandWindowMs, maxIdAheadMs, hashLifetimeMs, workersGroup, oldestMs, newestMs]
  args.push(...fencesOf(commands))
  args.push(commands.length, ...runs(placed.commandTimesMs.map(commandKey)))
  column(args, commands, ({ principal, commandId }) => commandField(principal, commandId))
  column(args, commands, ({ contentHash }) => contentHash)
  column(args, commands, ({ events: count }) => count)
  args.push(
    reads.length,
    ...runs(placed.readTimesMs.map((timeMs) => (timeMs === undefined ? neverFinishes : finishedKey(timeMs)))),
  )
  column(args, reads, ({ stream }) => stream)
  column(args, reads, ({ revision, state }) => (state ? stateText(revision, state) : revision))
  args.push(events.length)
  column(args, placed.eventReads, (read) => read)
  column(args, events, ({ type }) => type)
  column(args, events, ({ version }) => version)
  column(args, events, ({ data }) => data)
  column(args, events, ({ metadata }) => metadata)
  column(args, placed.macs, (mac) => mac)
  args.push(states.length)
  column(args, states, ({ stream }) => readIndex.get(stream) ?? unplaced(stream))
  column(args, states, ({ stateVersion }) => stateVersion)
  column(args, states, ({ state }) => state ?? '')
  column(args, states, ({ deadlineMs }) => deadlineMs ?? '')
  args.push(jobs.length)
  column(args, jobs, ({ kind }) => kind)
  column(args, jobs, ({ stream }) => stream)
  column(args, jobs, ({ command }) => command + 1)
  args.push(finishedJobs.length, ...finishedJobs)

  const fixed = [keys.log, keys.meta, keys.states, keys.work, keys.deadlines]
  return { keys: [...fixed, ...hourKeys], args, idTimes: placed.idTimes }
}

type Argument = string | number

/** The lowest and the highest token of the commands; empty where none has one. */
function fencesOf(commands: AppendRequest['commands']): Argument[] {
  const fences = commands.flatMap(({ fence }) => fence ?? [])
  return fences.length > 0 ? [Math.min(...fences), Math.max(...fences)] : ['', '']
}

function column<T>(args: Argument[], items: readonly T[], field: (item: T) => Argument): void {
  for (const item of items) args.push(field(item))
}

/** Runs of neighbours with the same key, as append.lua expects them: their number, then the key and the length of each. */
function runs(keyIndexes: readonly number[]): number[] {
  const found: { key: number; length: number }[] = []
  for (const key of keyIndexes) {
    const last = found.at(-1)
    if (last?.key === key) last.length++
    else found.push({ key, length: 1 })
  }
  return [found.length, ...found.flatMap(({ key, length }) => [key, length])]
}

/** Replaces the key of finished streams for a stream that never finishes. */
const neverFinishes = 0

/** The index in KEYS of the hash for the hour of a time; adds the key if it is new. */
function keyOfHour(hourKeys: string[], keyOf: (timeMs: number) => string): (timeMs: number) => number {
  const known = new Map<number, number>()
  return (timeMs) => {
    const hour = hourOf(timeMs)
    const index = known.get(hour) ?? fixedKeys + hourKeys.push(keyOf(timeMs))
    known.set(hour, index)
    return index
  }
}

type IdTimes = { oldestMs: number; newestMs: number }

const range = (times: readonly IdTimes[]): IdTimes => {
  const all: IdTimes = { oldestMs: Infinity, newestMs: 0 }
  for (const { oldestMs, newestMs } of times) {
    all.oldestMs = Math.min(all.oldestMs, oldestMs)
    all.newestMs = Math.max(all.newestMs, newestMs)
  }
  return all
}

type Placed = {
  /** For each event: the index of its read (from 1) and its MAC. */
  eventReads: number[]
  macs: string[]
  /** For each command: the time of its own id, and the range of times of all its ids. */
  commandTimesMs: number[]
  idTimes: IdTimes[]
  /** For each read: the time of its stream's id; undefined for a stream that never finishes. */
  readTimesMs: (number | undefined)[]
}

/**
 * Computes the MAC of every event under its future revision, and the times of all ids of each command: its own, and those of the
 * streams that it starts. An id that is too old must not start anything.
 */
function place(
  { commands, reads, events }: AppendRequest,
  readIndex: ReadonlyMap<StreamName, number>,
  incarnation: string,
  macs: EventMacs,
): Placed {
  const revisions = reads.map(({ revision }) => revision)
  const readTimesMs = reads.map(({ stream }) => streamTimeMs(stream))
  const placed: Placed = { eventReads: [], macs: [], commandTimesMs: [], idTimes: [], readTimesMs }
  for (const { commandId, events: count } of commands) {
    const own = uuid7TimeMs(commandId)
    let [oldestMs, newestMs] = [own, own]
    for (const event of events.slice(placed.macs.length, placed.macs.length + count)) {
      const { stream, type, version, data, metadata } = event
      const read = readIndex.get(stream) ?? unplaced(stream)
      const before = revisions[read - 1] ?? unplaced(stream)
      const startedAt = before === 0 ? readTimesMs[read - 1] : undefined
      if (startedAt !== undefined) [oldestMs, newestMs] = [Math.min(oldestMs, startedAt), Math.max(newestMs, startedAt)]
      const revision = before === 'any' ? before : before + 1
      revisions[read - 1] = revision
      placed.eventReads.push(read)
      placed.macs.push(macs.make({ incarnation, stream, revision, type, version, data, metadata }))
    }
    placed.commandTimesMs.push(own)
    placed.idTimes.push({ oldestMs, newestMs })
  }
  return placed
}

function unplaced(what: string): never {
  throw new Error(`${what} is written but was not read`)
}

function interpret(
  [outcome, ...rest]: string[],
  request: AppendRequest,
  knownSequence: number,
  idTimes: readonly IdTimes[],
): AppendResult {
  switch (outcome) {
    case 'appended': {
      const [firstSequence, anyRevisions, positions] = rest
      const appendOnly = request.reads.filter(({ revision }) => revision === 'any')
      const found = words(anyRevisions)
      if (appendOnly.length !== found.length) throw new Error('append.lua returned the wrong number of reads')
      return {
        result: 'appended',
        firstSequence: Number(firstSequence),
        positions: words(positions) as Position[],
        anyRevisions: new Map(appendOnly.map(({ stream }, index) => [stream, Number(found[index])])),
      }
    }
    case 'duplicate':
      return {
        result: 'duplicate',
        known: pairs(rest).map(([index, stored]) => ({ index: index - 1, ...parseCommand(stored) })),
      }
    case 'conflict':
      return {
        result: 'conflict',
        current: pairs(rest).map(([index, stored]) => parseState(at(request.reads, index - 1).stream, stored || null)),
      }
    case 'stale_ids': {
      const nowMs = Number(rest[0])
      const indexes = (isStale: (times: IdTimes) => boolean) =>
        idTimes.flatMap((times, index) => (isStale(times) ? [index] : []))
      const expired = ({ oldestMs }: IdTimes) => oldestMs < nowMs - commandWindowMs
      return {
        result: 'stale_ids',
        expired: indexes(expired),
        ahead: indexes((times) => !expired(times) && times.newestMs > nowMs + maxIdAheadMs),
      }
    }
    case 'fenced':
      return {
        result: 'fenced',
        commands: request.commands.flatMap(({ fence }, index) =>
          fence === undefined || String(fence) === rest[0] ? [] : [index],
        ),
      }
    case 'wrong_log':
      throw logReplaced(rest[0] ?? '')
    case 'behind':
      throw logLostItsTail(Number(rest[0]), knownSequence)
    case 'halted':
      throw new LogStopped(
        'log_halted',
        `an append failed in the middle of its writes (${rest[0]}); complete and verify the log before anything is written: bin/council restore, then bin/council audit verify --resume`,
      )
    case 'newer_fold':
      throw new LogStopped(
        'state_of_newer_program',
        `the state of ${rest[0]} was written by a newer program; run that version`,
      )
    case 'wrong_type':
      throw new LogStopped('log_key_of_wrong_type', `the key ${rest[0]} holds something that is not the log's`)
    default:
      throw new Error(`append.lua answered ${JSON.stringify(outcome)}`)
  }
}

/** Sends EVALSHA, then EVAL if the server does not know the script (first call, restart, SCRIPT FLUSH). */
async function runScript(redis: RedisClient, keys: string[], args: Argument[]): Promise<string[]> {
  const reply: unknown = await appendCommand(redis)(keys.length, ...keys, ...args)
  if (!Array.isArray(reply)) throw new Error('append.lua did not return a list')
  return reply.map(String)
}

type ScriptCall = (numberOfKeys: number, ...keysAndArgs: Argument[]) => Promise<unknown>
const defined = new WeakMap<RedisClient, ScriptCall>()

function appendCommand(redis: RedisClient): ScriptCall {
  const known = defined.get(redis)
  if (known) return known
  redis.defineCommand('councilAppend', { lua: script })
  const call = (redis as RedisClient & { councilAppend: ScriptCall }).councilAppend.bind(redis)
  defined.set(redis, call)
  return call
}

const words = (text = ''): string[] => (text === '' ? [] : text.split(' '))

function pairs(flat: string[]): [number, string][] {
  const list: [number, string][] = []
  for (let i = 0; i < flat.length; i += 2) list.push([Number(flat[i]), flat[i + 1] ?? ''])
  return list
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new Error(`append.lua named item ${index} of ${list.length}`)
  return item
}
