import type { ChainableCommander } from 'ioredis'
import {
  comparePositions,
  streamTimeMs,
  uuid7TimeMs,
  type Position,
  type StreamName,
  type Uuid7,
} from '../../identifiers.ts'
import { hashLifetimeMs, maxIdAheadMs } from '../append/append.ts'
import { scanStates } from '../append/stored-states.ts'
import { scanDeadlines } from '../clock/read-deadlines.ts'
import { deadlineOf, storedText } from '../folds.ts'
import { commandsSince } from './command-ids.ts'
import type { Examined } from './examine.ts'
import type { RestoreStores } from './stores.ts'

/** One idempotent write that brings Redis closer to the log. */
export type Write = (pipeline: ChainableCommander) => void

/** The kinds of data that Redis keeps in addition to the log and that the log can rebuild. */
export type DerivedKind = 'states' | 'finished streams' | 'command ids' | 'keys of callers' | 'deadlines' | 'jobs'

/** A group of missing writes of one kind. */
export type DerivedWrites = { kind: DerivedKind; writes: Write[] }

const groupSize = 1_000
const scanCount = 1_000
/** The margin for different clocks when looking for ids by the position of their events. */
const clockMarginMs = maxIdAheadMs + 3_600_000

/** The writes that bring all derived data on Redis in line with the log; data that agrees is not written. */
export async function* derivedWrites(
  stores: RestoreStores,
  examined: Examined,
  window: Window,
): AsyncGenerator<DerivedWrites> {
  yield* states(stores, examined)
  yield* finishedStreams(stores, examined)
  yield* commandIds(stores, window)
  yield* deadlines(stores, examined)
  yield* jobs(stores, examined)
}

/** `startMs`: older ids cannot be used again. */
export type Window = { startMs: number }

async function* states({ redis, keys }: RestoreStores, { folds }: Examined): AsyncGenerator<DerivedWrites> {
  const seen = new Set<string>()
  for await (const page of scanStates(redis, keys)) {
    const writes: Write[] = []
    for (const [stream, stored] of page) {
      const live = folds.live.get(stream)
      seen.add(stream)
      if (!live) writes.push((pipeline) => pipeline.hdel(keys.states, stream))
      else if (stored !== storedText(live))
        writes.push((pipeline) => pipeline.hset(keys.states, stream, storedText(live)))
    }
    if (writes.length > 0) yield { kind: 'states', writes }
  }
  const missing = [...folds.live].filter(([stream]) => !seen.has(stream))
  for (const group of inGroups(missing))
    yield {
      kind: 'states',
      writes: group.map(
        ([stream, live]) =>
          (pipeline) =>
            pipeline.hset(keys.states, stream, storedText(live)),
      ),
    }
}

async function* finishedStreams({ redis, keys }: RestoreStores, { finished }: Examined): AsyncGenerator<DerivedWrites> {
  for (const group of inGroups([...finished])) {
    const wanted = group.map(([stream, revision]) => ({
      key: keys.finished(streamTimeMs(stream) ?? 0),
      field: stream,
      value: String(revision),
    }))
    const writes = await notYetThere(redis, wanted)
    if (writes.length > 0) yield { kind: 'finished streams', writes }
  }
}

async function* commandIds(stores: RestoreStores, window: Window): AsyncGenerator<DerivedWrites> {
  for await (const commands of commandsSince(stores, window.startMs, clockMarginMs)) {
    const writes = await notYetThere(stores.redis, commands)
    if (writes.length > 0) yield { kind: 'command ids', writes }
    const keys = await keysNotYetThere(
      stores.redis,
      commands.flatMap(({ callersKey }) => callersKey ?? []),
      window,
    )
    if (keys.length > 0) yield { kind: 'keys of callers', writes: keys }
  }
}

/** Each key is kept for the rest of the window of its id. */
async function keysNotYetThere(
  redis: RestoreStores['redis'],
  wanted: readonly { key: string; id: Uuid7 }[],
  { startMs }: Window,
): Promise<Write[]> {
  if (wanted.length === 0) return []
  const stored = await redis.mget(wanted.map(({ key }) => key))
  return wanted
    .filter(({ id }, index) => stored[index] !== id)
    .map(
      ({ key, id }) =>
        (pipeline) =>
          pipeline.set(key, id, 'PX', Math.max(1, uuid7TimeMs(id) - startMs)),
    )
}

type Field = { key: string; field: string; value: string }

async function notYetThere(redis: RestoreStores['redis'], wanted: readonly Field[]): Promise<Write[]> {
  const writes: Write[] = []
  for (const [key, fields] of Map.groupBy(wanted, (one) => one.key)) {
    const stored = await redis.hmget(key, ...fields.map(({ field }) => field))
    for (const [index, { field, value }] of fields.entries())
      if (stored[index] !== value)
        writes.push((pipeline) => pipeline.hset(key, field, value).pexpire(key, hashLifetimeMs, 'NX'))
  }
  return writes
}

async function* deadlines({ redis, keys }: RestoreStores, { folds }: Examined): AsyncGenerator<DerivedWrites> {
  const expected = new Map<StreamName, number>()
  for (const [stream, live] of folds.live) {
    const deadlineMs = deadlineOf(live)
    if (deadlineMs !== null) expected.set(stream, deadlineMs)
  }
  const agreeing = new Set<StreamName>()
  const surplus = new Set<StreamName>()
  for await (const page of scanDeadlines(redis, keys))
    for (const { stream, atMs } of page)
      if (expected.get(stream) === atMs) agreeing.add(stream)
      else if (!expected.has(stream)) surplus.add(stream)
  const writes: Write[] = [...surplus].map((stream) => (pipeline) => pipeline.zrem(keys.deadlines, stream))
  for (const [stream, atMs] of expected)
    if (!agreeing.has(stream)) writes.push((pipeline) => pipeline.zadd(keys.deadlines, atMs, stream))
  for (const group of inGroups(writes)) yield { kind: 'deadlines', writes: group }
}

/** A job for every unfinished stream without one, oldest first. Workers drop superfluous jobs. */
async function* jobs({ redis, keys }: RestoreStores, { folds }: Examined): AsyncGenerator<DerivedWrites> {
  const known = new Set<string>()
  let last: string = '-'
  for (;;) {
    const entries = await redis.xrange(keys.work, last, '+', 'COUNT', scanCount)
    for (const [, fields] of entries) known.add(jobName(valueOf(fields, 'kind'), valueOf(fields, 'stream')))
    if (entries.length < scanCount) break
    last = `(${entries.at(-1)?.[0] ?? ''}`
  }
  const lacking: { kind: string; stream: StreamName; position: Position }[] = []
  for (const [stream, { fold, state, first }] of folds.live) {
    const kind = fold.unfinishedJob?.(state) ?? null
    if (kind !== null && !known.has(jobName(kind, stream))) lacking.push({ kind, stream, position: first })
  }
  for (const group of inGroups(lacking.toSorted((left, right) => comparePositions(left.position, right.position))))
    yield {
      kind: 'jobs',
      writes: group.map(
        ({ kind, stream, position }) =>
          (pipeline) =>
            pipeline.xadd(keys.work, '*', 'kind', kind, 'stream', stream, 'position', position),
      ),
    }
}

const jobName = (kind: string, stream: string): string => `${kind} ${stream}`
const valueOf = (fields: string[], name: string): string => fields[fields.indexOf(name) + 1] ?? ''

function* inGroups<T>(items: readonly T[]): Generator<T[]> {
  for (let start = 0; start < items.length; start += groupSize) yield items.slice(start, start + groupSize)
}
