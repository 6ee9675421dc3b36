import type { ChainableCommander } from 'ioredis'
import { serverOf, type RedisClient } from '../../../platform/redis/cluster.ts'
import { beginning, comparePositions } from '../../identifiers.ts'
import type { ArchivedEvent } from '../archive/archive.ts'
import { commandWindowMs, maxIdAheadMs } from '../append/append.ts'
import { workersGroup } from '../keys.ts'
import { wanting, type Beside, type Window, type Write } from './beside.ts'
import { archivedUpTo, examine, type Examined } from './examine.ts'
import { RestoreRefused, type RestoreStores } from './stores.ts'

export type RestoreOptions = {
  dryRun: boolean
  onProgress: (step: 'comparing' | 'writing', done: number, total: number) => void
  /** After every write that reached Redis. */
  onWritten?: () => void
  signal: AbortSignal
}

/** What was restored, or would be; nothing at all where Redis is what the log says. */
export type Restored = {
  incarnation: string
  /** The newest event, and how many there are. */
  end: Examined['end']
  /** Events that only the archive has: they were trimmed from Redis, and are not written back. */
  trimmed: number
  events: number
  beside: Record<Beside, number>
  /** Whether the log's identity was missing or not that of its end: then no process could write to it. */
  identity: boolean
}

/** append.lua keeps the hashes of an hour so long. */
const keepMs = commandWindowMs + maxIdAheadMs + 7_200_000
const maxTries = 5

/**
 * Makes a Redis that lost its log, or the newest part of it, what the archive says: the same entries under the same ids, states,
 * ids of commands, finished streams, and a job for each unfinished prompt. Nothing is written where the two histories differ.
 *
 * The log's identity leaves first and comes back last: until everything is in place no process writes to it, whenever a restore is
 * killed, and the next one goes on where it was. Throws RestoreRefused and LogStopped `log_key_of_wrong_type`.
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
    const summary = (beside: Restored['beside']): Restored => ({
      incarnation: examined.checkpoint.incarnation,
      end: examined.end,
      trimmed: examined.checkpoint.trimmed.sequence,
      events: examined.missing.count,
      beside,
      identity,
    })
    const isLacking = examined.missing.count > 0 || identity
    if (options.dryRun || !isLacking) {
      const beside = await countWanting(stores, examined, window)
      const isWhole = !isLacking && Object.values(beside).every((count) => count === 0)
      if (options.dryRun || isWhole) return summary(beside)
    }
    // Somebody has written meanwhile: what seemed to differ may only have been newer.
    if (!(await isStill(stores, examined))) continue
    await stores.redis.hdel(stores.keys.meta, 'incarnation')
    if (!(await isStill(stores, examined))) continue
    return summary(await write(stores, examined, window, options))
  }
  throw new RestoreRefused('log_in_use', 'a council keeps writing to this log: stop it, and try again')
}

async function windowNow({ redis, keys }: RestoreStores): Promise<Window> {
  const [seconds] = await (await serverOf(redis, keys.log)).time()
  return { startMs: Number(seconds) * 1_000 - commandWindowMs, keepMs }
}

const isStill = async ({ redis, keys }: RestoreStores, { hotEnd }: Examined): Promise<boolean> => {
  const [newest] = await redis.xrevrange(keys.log, '+', '-', 'COUNT', 1)
  return (newest?.[0] ?? beginning) === hotEnd
}

async function lacksIdentity({ redis, keys }: RestoreStores, { checkpoint, end }: Examined): Promise<boolean> {
  const [incarnation, sequence] = await redis.hmget(keys.meta, 'incarnation', 'sequence')
  return incarnation !== checkpoint.incarnation || Number(sequence) !== end.sequence
}

const none = (): Restored['beside'] => ({
  states: 0,
  'finished streams': 0,
  'command ids': 0,
  'keys of callers': 0,
  jobs: 0,
})

async function countWanting(stores: RestoreStores, examined: Examined, window: Window): Promise<Restored['beside']> {
  const beside = none()
  for await (const { kind, writes } of wanting(stores, examined, window)) beside[kind] += writes.length
  return beside
}

/** Returns how much beside the log was written. */
async function write(
  stores: RestoreStores,
  examined: Examined,
  window: Window,
  { onProgress, onWritten = () => undefined, signal }: RestoreOptions,
): Promise<Restored['beside']> {
  const { redis, keys } = stores
  const { checkpoint, end, missing } = examined
  const send = async (writes: readonly Write[]): Promise<void> => {
    await sendAll(redis, writes)
    onWritten()
  }

  let done = 0
  for await (const events of missing.count > 0
    ? archivedUpTo(stores.archive.read({ after: missing.after }), checkpoint.sequence)
    : []) {
    signal.throwIfAborted()
    await send(events.map((event) => (pipeline) => addEntry(pipeline, keys.log, event)))
    onProgress('writing', (done += events.length), missing.count)
  }
  await setEnd(stores, examined)
  onWritten()
  const beside = none()
  for await (const { kind, writes } of wanting(stores, examined, window)) {
    await send(writes)
    beside[kind] += writes.length
  }
  await redis.xgroup('CREATE', keys.work, workersGroup, '0', 'MKSTREAM').catch((error: unknown) => {
    if (!String(error).includes('BUSYGROUP')) throw error
  })
  onWritten()
  const identity = {
    incarnation: checkpoint.incarnation,
    sequence: String(end.sequence),
    ...(end.macKey !== null && { macKey: end.macKey }),
  }
  await send([(pipeline) => pipeline.hset(keys.meta, identity)])
  return beside
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
  // Events from before there were MACs have no such field.
  pipeline.xadd(logKey, position, ...fields, ...(mac === '' ? [] : ['mac', mac]))
}

/** The stream knows what was in it before: ids go on above everything that ever was, and what was trimmed counts as deleted. */
async function setEnd({ redis, keys }: RestoreStores, { checkpoint, end, hotEnd }: Examined): Promise<void> {
  if (comparePositions(hotEnd, checkpoint.position) > 0) return
  if ((await redis.exists(keys.log)) === 0) {
    // Everything was trimmed: an empty stream cannot be made in any other way.
    await redis.xgroup('CREATE', keys.log, 'restore', '$', 'MKSTREAM')
    await redis.xgroup('DESTROY', keys.log, 'restore')
  }
  await (
    await serverOf(redis, keys.log)
  ).call('XSETID', keys.log, end.position, 'ENTRIESADDED', end.sequence, 'MAXDELETEDID', checkpoint.trimmed.position)
}

/**
 * In one transaction, and so with one fsync: Redis takes a mere pipeline in pieces of 16 KiB and syncs after each of them.
 * Throws what the first failing command says.
 */
async function sendAll(redis: RedisClient, writes: readonly Write[]): Promise<void> {
  const transaction = redis.multi()
  for (const one of writes) one(transaction)
  for (const [error] of (await transaction.exec()) ?? []) if (error) throw error
}
