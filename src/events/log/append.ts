import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { uuid7TimeMs, type Position } from '../identifiers.ts'
import { commandField, parseCommand } from './command-ids.ts'
import { workersGroup, type LogKeys } from './keys.ts'
import { LogStopped, type AppendRequest, type AppendResult } from './log.ts'
import { parseState } from './states.ts'

/** How long a command id is remembered; an older one is refused and never runs again. */
const commandWindowMs = 24 * 3_600_000
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
export async function append(redis: Redis, keys: LogKeys, { incarnation, sequence }: KnownLog, request: AppendRequest): Promise<AppendResult> {
  const commandKeys = [...new Set(request.commands.map((command) => keys.commands(uuid7TimeMs(command.commandId))))]
  const readIndex = new Map(request.reads.map((read, index) => [read.stream as string, index + 1]))
  const indexOf = (stream: string): number => {
    const index = readIndex.get(stream)
    if (index === undefined) throw new Error(`${stream} is written but was not read`)
    return index
  }
  const allKeys = [keys.log, keys.meta, keys.states, keys.work, ...commandKeys]
  const args: (string | number)[] = [incarnation, sequence, commandWindowMs, maxIdAheadMs, workersGroup]
  const list = <T>(items: readonly T[], fields: (item: T) => (string | number)[]) => {
    args.push(items.length)
    for (const item of items) args.push(...fields(item))
  }
  list(request.commands, ({ principal, commandId, contentHash, events }) => {
    const idMs = uuid7TimeMs(commandId)
    return [fixedKeys + 1 + commandKeys.indexOf(keys.commands(idMs)), commandField(principal, commandId), contentHash, idMs, events]
  })
  list(request.reads, ({ stream, revision }) => [stream, revision])
  list(request.events, ({ stream, type, version, data, metadata }) => [indexOf(stream), type, version, data, metadata])
  list(request.states, ({ stream, foldVersion, state }) => [indexOf(stream), foldVersion, state])
  list(request.jobs, ({ kind, stream, command }) => [kind, stream, command + 1])
  list(request.finishedJobs, (entry) => [entry])

  return interpret(await runScript(redis, allKeys, args), request, sequence)
}

function interpret([outcome, ...rest]: string[], request: AppendRequest, knownSequence: number): AppendResult {
  switch (outcome) {
    case 'appended':
      return { result: 'appended', firstSequence: Number(rest[0]), positions: rest.slice(1) as Position[] }
    case 'duplicate':
      return { result: 'duplicate', known: pairs(rest).map(([index, stored]) => ({ index: index - 1, ...parseCommand(stored) })) }
    case 'conflict':
      return { result: 'conflict', current: pairs(rest).map(([index, stored]) => parseState(at(request.reads, index - 1).stream, stored || null)) }
    case 'stale_ids': {
      const indexes = (why: string) => pairs(rest).filter(([, reason]) => reason === why).map(([index]) => index - 1)
      return { result: 'stale_ids', expired: indexes('expired'), ahead: indexes('ahead') }
    }
    case 'wrong_log':
      throw new LogStopped('log_replaced', `Redis holds ${rest[0] ? `another log (incarnation ${rest[0]})` : 'no log any more'}; nothing is written to it until it is restored`)
    case 'behind':
      throw new LogStopped('log_lost_its_tail', `Redis came back with ${rest[0]} events, but ${knownSequence} were acknowledged; nothing is written to it until it is restored`)
    case 'newer_fold':
      throw new LogStopped('state_of_newer_program', `the state of ${rest[0]} was written by a newer program; run that version`)
    case 'wrong_type':
      throw new LogStopped('log_key_of_wrong_type', `the key ${rest[0]} holds something that is not the log's`)
    default:
      throw new Error(`append.lua answered ${JSON.stringify(outcome)}`)
  }
}

/** EVALSHA, and EVAL where the server does not know the script yet (first call, restart, SCRIPT FLUSH). */
async function runScript(redis: Redis, keys: string[], args: (string | number)[]): Promise<string[]> {
  const reply: unknown = await appendCommand(redis)(keys.length, ...keys, ...args)
  if (!Array.isArray(reply)) throw new Error('append.lua answered with something that is not a list')
  return reply.map(String)
}

type ScriptCall = (numberOfKeys: number, ...keysAndArgs: (string | number)[]) => Promise<unknown>
const defined = new WeakMap<Redis, ScriptCall>()

function appendCommand(redis: Redis): ScriptCall {
  const known = defined.get(redis)
  if (known) return known
  redis.defineCommand('councilAppend', { lua: script })
  const call = (redis as Redis & { councilAppend: ScriptCall }).councilAppend.bind(redis)
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
