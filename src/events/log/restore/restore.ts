import type { ChainableCommander } from 'ioredis'
import { serverOf, type RedisClient } from '../../../platform/redis/cluster.ts'
import { commandWindowMs, beginning, comparePositions } from '../../identifiers.ts'
import { upToSequence, type ArchivedEvent } from '../archive/archive.ts'
import { workersGroup } from '../keys.ts'
import { derivedWrites, type DerivedKind, type Window, type Write } from './derived-data.ts'
import { examine, type Examined } from './examine.ts'
import { RestoreRefused, type RestoreStores } from './stores.ts'

export type RestoreOptions = {
  dryRun: boolean
  onProgress: (step: 'comparing' | 'writing', done: number, total: number) => void
  /** After every write that reached Redis. */
  onWritten?: () => void
  signal: AbortSignal
}

/** The restored data, or in a dry run the data to restore. */
export type Restored = {
  incarnation: string
  /** The newest event and its sequence. */
  end: Examined['end']
  /** Events that were trimmed from Redis; they are not written back. */
  trimmed: number
  events: number
  derived: Record<DerivedKind, number>
  /** Whether the log's identity was missing or stale, so that no process could write. */
  identity: boolean
}

const maxTries = 5

/**
 * Restores a Redis that lost its log, or the tail of it, from the archive: the same entries under the same ids, the states with their
 * deadlines, command ids and finished streams, and a job for each unfinished prompt. Writes nothing if archive and Redis contradict each other.
 *
 * Removes the log's identity first and writes it back last, so that no process writes to a partial log. A killed restore can be run
 * again. Throws RestoreRefused and LogStopped `log_key_of_wrong_type`.
 */
export async function restore(stores: RestoreStores, options: RestoreOptions): Promise<Restored> {
  for (let tries = 1; tries <= maxTries; tries++) {
    const window = await windowNow(stores)
    const examined = await examine(stores, {
      windowStartMs: window.startMs,
      signal: options.signal,
      onProgress: (done, total) => options.onProgress('comparing', done, total),
    })
    const identity = await lacksIdentity(stores, examined)
    const summary = (derived: Restored['derived']): Restored => ({
      incarnation: examined.checkpoint.incarnation,
      end: examined.end,
      trimmed: examined.checkpoint.trimmed.sequence,
      events: examined.missing.count,
      derived,
      identity,
    })
    const isLacking = examined.missing.count > 0 || identity
    if (options.dryRun || !isLacking) {
      const derived = await countDerivedWrites(stores, examined, window)
      const isWhole = !isLacking && Object.values(derived).every((count) => count === 0)
      if (options.dryRun || isWhole) return summary(derived)
    }
    // Another process has written in between: examine again.
    if (!(await isUnchanged(stores, examined))) continue
    await stores.redis.hdel(stores.keys.meta, 'incarnation')
    if (!(await isUnchanged(stores, examined))) continue
    return summary(await write(stores, examined, window, options))
  }
  throw new RestoreRefused('log_in_use', 'a council is writing to this log: stop it and try again')
}

async function windowNow({ redis, keys }: RestoreStores): Promise<Window> {
  const [seconds] = await (await serverOf(redis, keys.log)).time()
  return { startMs: Number(seconds) * 1_000 - commandWindowMs }
}

const isUnchanged = async ({ redis, keys }: RestoreStores, { hotEnd }: Examined): Promise<boolean> => {
  const [newest] = await redis.xrevrange(keys.log, '+', '-', 'COUNT', 1)
  return (newest?.[0] ?? beginning) === hotEnd
}

async function lacksIdentity({ redis, keys }: RestoreStores, { checkpoint, end }: Examined): Promise<boolean> {
  const [incarnation, sequence] = await redis.hmget(keys.meta, 'incarnation', 'sequence')
  return incarnation !== checkpoint.incarnation || Number(sequence) !== end.sequence
}

const none = (): Restored['derived'] => ({
  states: 0,
  'finished streams': 0,
  'command ids': 0,
  'keys of callers': 0,
  deadlines: 0,
  jobs: 0,
})

async function countDerivedWrites(
  stores: RestoreStores,
  examined: Examined,
  window: Window,
): Promise<Restored['derived']> {
  const derived = none()
  for await (const { kind, writes } of derivedWrites(stores, examined, window)) derived[kind] += writes.length
  return derived
}

/** Returns the number of derived writes of each kind. */
async function write(
  stores: RestoreStores,
  examined: Examined,
  window: Window,
  { onProgress, onWritten = () => undefined, signal }: RestoreOptions,
): Promise<Restored['derived']> {
  const { redis, keys } = stores
  const { checkpoint, end, missing } = examined
  const send = async (writes: readonly Write[]): Promise<void> => {
    await sendAll(redis, writes)
    onWritten()
  }

  let done = 0
  for await (const events of missing.count > 0
    ? upToSequence(stores.archive.read({ after: missing.after }), checkpoint.sequence)
    : []) {
    signal.throwIfAborted()
    await send(events.map((event) => (pipeline) => addEntry(pipeline, keys.log, event)))
    onProgress('writing', (done += events.length), missing.count)
  }
  await setEnd(stores, examined)
  onWritten()
  // As append.lua keeps it.
  await send([(pipeline) => pipeline.zadd(keys.deadlines, 'inf', '')])
  const derived = none()
  for await (const { kind, writes } of derivedWrites(stores, examined, window)) {
    await send(writes)
    derived[kind] += writes.length
  }
  await redis.xgroup('CREATE', keys.work, workersGroup, '0', 'MKSTREAM').catch((error: unknown) => {
    if (!String(error).includes('BUSYGROUP')) throw error
  })
  onWritten()
  const identity = {
    incarnation: checkpoint.incarnation,
    sequence: String(end.sequence),
    ...(end.macKey !== null && { macKey: end.macKey }),
    deadlines: stores.deadlineRules,
  }
  await send([(pipeline) => pipeline.hset(keys.meta, identity)])
  return derived
}

function addEntry(
  pipeline: ChainableCommander,
  logKey: string,
  { position, sequence, stream, revision, type, version, data, metadata, mac }: ArchivedEvent,
): void {
  const fields = [
    'sequence',
    String(sequence),
    'stream',
    stream,
    'revision',
    String(revision),
    'type',
    type,
    'version',
    String(version),
    'data',
    data,
    'metadata',
    metadata,
  ]
  // Events that are older than MACs have no such field.
  pipeline.xadd(logKey, position, ...fields, ...(mac === '' ? [] : ['mac', mac]))
}

/** Restores the metadata of the stream: new ids stay above all earlier ones, and trimmed entries count as deleted. */
async function setEnd({ redis, keys }: RestoreStores, { checkpoint, end, hotEnd }: Examined): Promise<void> {
  if (comparePositions(hotEnd, checkpoint.position) > 0) return
  if ((await redis.exists(keys.log)) === 0) {
    // Everything was trimmed, and creating a group is the only way to create an empty stream.
    await redis.xgroup('CREATE', keys.log, 'restore', '$', 'MKSTREAM')
    await redis.xgroup('DESTROY', keys.log, 'restore')
  }
  await (
    await serverOf(redis, keys.log)
  ).call('XSETID', keys.log, end.position, 'ENTRIESADDED', end.sequence, 'MAXDELETEDID', checkpoint.trimmed.position)
}

/**
 * Sends all writes in one transaction and so with one fsync; Redis would read a plain pipeline in pieces of 16 KiB and sync after
 * each. Throws the first error.
 */
async function sendAll(redis: RedisClient, writes: readonly Write[]): Promise<void> {
  const transaction = redis.multi()
  for (const one of writes) one(transaction)
  for (const [error] of (await transaction.exec()) ?? []) if (error) throw error
}
