import { readFileSync } from 'node:fs'
import type { RedisClient } from '../../platform/redis-cluster.ts'
import { streamTimeMs, uuid7TimeMs, type Position, type StreamName } from '../identifiers.ts'
import { commandField, parseCommand } from './command-ids.ts'
import { workersGroup, type LogKeys } from './keys.ts'
import { LogStopped, type AppendRequest, type AppendResult, type NewEvent } from './log.ts'
import type { EventMacs } from './mac.ts'
import { parseState } from './states.ts'

/** How long a command id is remembered; an older one is refused and never runs again. */
export const commandWindowMs = 24 * 3_600_000
/** How far the clock of whoever made an id may be ahead of Redis'. */
const maxIdAheadMs = 5 * 60_000

/** What a process knows of the log it writes to: which one it is, and the last sequence that it has seen there. */
export type KnownLog = { incarnation: string; sequence: number }

const script = readFileSync(new URL('append.lua', import.meta.url), 'utf8')
const fixedKeys = 4

/**
 * Runs append.lua for one council and turns its reply into a value.
 * Throws LogStopped where this program must not go on writing, and whatever the connection throws: then the outcome is
 * unknown, and the same request may be sent again, since its command ids tell whether it was applied.
 */
export async function append(redis: RedisClient, keys: LogKeys, { incarnation, sequence }: KnownLog, macs: EventMacs, request: AppendRequest): Promise<AppendResult> {
  const hourKeys: string[] = []
  const keyIndex = (key: string): number => {
    const found = hourKeys.indexOf(key)
    return fixedKeys + 1 + (found >= 0 ? found : hourKeys.push(key) - 1)
  }
  const readIndex = new Map(request.reads.map(({ stream }, index) => [stream, index]))
  const args: (string | number)[] = [incarnation, sequence, commandWindowMs, maxIdAheadMs, workersGroup]
  const list = <T>(items: readonly T[], fields: (item: T) => (string | number)[]) => {
    args.push(items.length)
    for (const item of items) args.push(...fields(item))
  }
  const { events, idTimes } = placed(request, readIndex, incarnation, macs)
  list([...request.commands.entries()], ([index, { principal, commandId, contentHash, events: count }]) => {
    const { oldest, newest } = idTimes[index] ?? unplaced(commandId)
    return [keyIndex(keys.commands(uuid7TimeMs(commandId))), commandField(principal, commandId), contentHash, oldest, newest, count]
  })
  list(request.reads, ({ stream, revision }) => {
    const timeMs = streamTimeMs(stream)
    return [stream, revision, timeMs === undefined ? 0 : keyIndex(keys.finished(timeMs))]
  })
  list(events, ({ read, type, version, data, metadata, mac }) => [read + 1, type, version, data, metadata, mac])
  list(request.states, ({ stream, foldVersion, state }) => [(readIndex.get(stream) ?? unplaced(stream)) + 1, foldVersion, state ?? ''])
  list(request.jobs, ({ kind, stream, command }) => [kind, stream, command + 1])
  list(request.finishedJobs, (entry) => [entry])

  const reply = await runScript(redis, [keys.log, keys.meta, keys.states, keys.work, ...hourKeys], args)
  return interpret(reply, request, sequence)
}

type Placed = NewEvent & { read: number; mac: string }
type IdTimes = { oldest: number; newest: number }

/**
 * Gives every event its place among the reads and its MAC, and every command the times of all ids that it brings: its own,
 * and those of the finishing streams that it starts. An id that is too old must start nothing, whichever way it comes.
 */
function placed({ commands, reads, events }: AppendRequest, readIndex: ReadonlyMap<StreamName, number>, incarnation: string, macs: EventMacs): { events: Placed[]; idTimes: IdTimes[] } {
  const revisions = reads.map(({ revision }) => revision)
  const placedEvents: Placed[] = []
  const idTimes = commands.map(({ commandId, events: count }): IdTimes => {
    const own = uuid7TimeMs(commandId)
    const times: IdTimes = { oldest: own, newest: own }
    for (const event of events.slice(placedEvents.length, placedEvents.length + count)) {
      const read = readIndex.get(event.stream) ?? unplaced(event.stream)
      const before = revisions[read] ?? unplaced(event.stream)
      const startedAt = before === 0 ? streamTimeMs(event.stream) : undefined
      if (startedAt !== undefined) Object.assign(times, { oldest: Math.min(times.oldest, startedAt), newest: Math.max(times.newest, startedAt) })
      const revision = before === 'any' ? before : before + 1
      revisions[read] = revision
      placedEvents.push({ ...event, read, mac: macs.make({ incarnation, ...event, revision }) })
    }
    return times
  })
  return { events: placedEvents, idTimes }
}

function unplaced(what: string): never {
  throw new Error(`${what} is written but was not read`)
}

function interpret([outcome, ...rest]: string[], request: AppendRequest, knownSequence: number): AppendResult {
  switch (outcome) {
    case 'appended': {
      const [firstSequence, anyReads = '0', ...values] = rest
      const histories = request.reads.filter(({ revision }) => revision === 'any')
      if (histories.length !== Number(anyReads)) throw new Error('append.lua counted other reads than were sent')
      return {
        result: 'appended',
        firstSequence: Number(firstSequence),
        positions: values.slice(histories.length) as Position[],
        anyRevisions: new Map(histories.map(({ stream }, index) => [stream, Number(values[index])])),
      }
    }
    case 'duplicate':
      return { result: 'duplicate', known: pairs(rest).map(([index, stored]) => ({ index: index - 1, ...parseCommand(stored) })) }
    case 'conflict':
      return { result: 'conflict', current: pairs(rest).map(([index, stored]) => parseState(at(request.reads, index - 1).stream, stored || null)) }
    case 'stale_ids': {
      const indexes = (why: string) => pairs(rest).filter(([, reason]) => reason === why).map(([index]) => index - 1)
      return { result: 'stale_ids', expired: indexes('expired'), ahead: indexes('ahead') }
    }
    case 'wrong_log':
      throw new LogStopped('log_replaced', `Redis holds ${rest[0] ? `another log (incarnation ${rest[0]})` : 'no log any more'}; nothing is written to it until it is restored: bin/council restore`)
    case 'behind':
      throw new LogStopped('log_lost_its_tail', `Redis came back with ${rest[0]} events, but ${knownSequence} were acknowledged; nothing is written to it until it is restored: bin/council restore`)
    case 'halted':
      throw new LogStopped('log_halted', `an append failed in the middle of its writes (${rest[0]}); nothing is written until the log has been verified: bin/council audit verify --resume`)
    case 'newer_fold':
      throw new LogStopped('state_of_newer_program', `the state of ${rest[0]} was written by a newer program; run that version`)
    case 'wrong_type':
      throw new LogStopped('log_key_of_wrong_type', `the key ${rest[0]} holds something that is not the log's`)
    default:
      throw new Error(`append.lua answered ${JSON.stringify(outcome)}`)
  }
}

/** EVALSHA, and EVAL where the server does not know the script yet (first call, restart, SCRIPT FLUSH). */
async function runScript(redis: RedisClient, keys: string[], args: (string | number)[]): Promise<string[]> {
  const reply: unknown = await appendCommand(redis)(keys.length, ...keys, ...args)
  if (!Array.isArray(reply)) throw new Error('append.lua answered with something that is not a list')
  return reply.map(String)
}

type ScriptCall = (numberOfKeys: number, ...keysAndArgs: (string | number)[]) => Promise<unknown>
const defined = new WeakMap<RedisClient, ScriptCall>()

function appendCommand(redis: RedisClient): ScriptCall {
  const known = defined.get(redis)
  if (known) return known
  redis.defineCommand('councilAppend', { lua: script })
  const call = (redis as RedisClient & { councilAppend: ScriptCall }).councilAppend.bind(redis)
  defined.set(redis, call)
  return call
}

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
