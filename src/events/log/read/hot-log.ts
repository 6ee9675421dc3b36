import { setTimeout as pause } from 'node:timers/promises'
import type { RedisClient } from '../../../platform/redis/cluster.ts'
import { beginning, type Position } from '../../identifiers.ts'
import { settleBlocked } from './blocked-read.ts'
import type { LogKeys } from '../keys.ts'
import { storedEvent, type StoredEvent, type StreamEntry } from './stored-event.ts'

const pageSize = 1000
const blockMs = 2000
/** The delay before a retry on a server that refuses, for example while it loads its data. */
const refusedPauseMs = 100

/** `after` is exclusive, `upTo` inclusive and open by default; `backward` starts at the newest event. */
export type HotRange = {
  after: Position
  upTo?: Position | undefined
  direction?: 'forward' | 'backward' | undefined
  /** The most events of the page; `pageSize` by default. */
  count?: number
}

/** The incarnation and last sequence of the log on Redis, and its oldest event that is not trimmed. */
export type HotEdge = {
  incarnation: string | null
  sequence: number
  oldest: { sequence: number; position: Position } | null
}

/** The newest part of a log, on Redis. It has no gaps, because only its oldest events are ever trimmed. */
export type HotLog = {
  pageSize: number
  /** The first `count` events of a range; fewer at its current end. */
  page: (range: HotRange) => Promise<StoredEvent[]>
  edge: () => Promise<HotEdge>
}

export function hotLog(redis: RedisClient, keys: Pick<LogKeys, 'log' | 'meta'>, size = pageSize): HotLog {
  /**
   * Redis (7.0.15) answers an XREVRANGE that begins before the first entry by looking at every entry, from the last one on: 14 ms for
   * 100,000 entries, in which it does nothing else.
   */
  const isBeforeFirst = async (position: Position): Promise<boolean> =>
    (await redis.xrange(keys.log, '-', position, 'COUNT', 1)).length === 0

  return {
    pageSize: size,

    async page({ after, upTo, direction, count = size }) {
      if (direction === 'backward' && upTo !== undefined && (await isBeforeFirst(upTo))) return []
      const entries: StreamEntry[] =
        direction === 'backward'
          ? await redis.xrevrange(keys.log, upTo ?? '+', `(${after}`, 'COUNT', count)
          : await redis.xrange(keys.log, `(${after}`, upTo ?? '+', 'COUNT', count)
      return entries.map(storedEvent)
    },

    async edge() {
      // In this order: an empty stream after a non-zero sequence was trimmed, and is not a log that is just being created.
      const [incarnation = null, sequence] = await redis.hmget(keys.meta, 'incarnation', 'sequence')
      const [first] = await redis.xrange(keys.log, '-', '+', 'COUNT', 1)
      return { incarnation, sequence: Number(sequence ?? 0), oldest: first ? storedEvent(first) : null }
    },
  }
}

/** The newest event's position, `0-0` while there is none. */
export async function headOf(redis: RedisClient, logKey: string): Promise<Position> {
  const [newest] = await redis.xrevrange(logKey, '+', '-', 'COUNT', 1)
  return (newest?.[0] as Position | undefined) ?? beginning
}

/**
 * All events on Redis after a position, then new ones as they are appended. `redis` is a connection of its own, because it blocks.
 * Survives lost connections; ends when the signal aborts.
 */
export async function* followHot(
  redis: RedisClient,
  logKey: string,
  after: Position,
  signal: AbortSignal,
): AsyncGenerator<StoredEvent[]> {
  let last: string = after
  while (!signal.aborted) {
    const entries = await readBlocked(redis, logKey, last, signal)
    if (entries.length === 0) continue
    last = entries.at(-1)?.[0] ?? last
    yield entries.map(storedEvent)
  }
}

/** One blocking XREAD; an empty list on a timeout, a lost connection or an abort. */
async function readBlocked(
  redis: RedisClient,
  logKey: string,
  after: string,
  signal: AbortSignal,
): Promise<StreamEntry[]> {
  const read = await settleBlocked(
    redis,
    blockMs,
    redis.xread('COUNT', pageSize, 'BLOCK', blockMs, 'STREAMS', logKey, after),
    signal,
  )
  if (read.outcome === 'failed') await connectedAgain(redis, signal)
  return read.outcome === 'answered' ? (read.reply?.[0]?.[1] ?? []) : []
}

/** Waits until the connection is usable again, instead of retrying in a hot loop. */
async function connectedAgain(redis: RedisClient, signal: AbortSignal): Promise<void> {
  if (redis.status === 'end') throw new Error('the connection that reads the log was closed')
  if (redis.status === 'ready') return pause(refusedPauseMs, undefined, { signal }).catch(() => undefined)
  await new Promise<void>((resolve) => {
    const done = () => {
      redis.off('ready', done)
      redis.off('end', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    redis.once('ready', done)
    redis.once('end', done)
    signal.addEventListener('abort', done, { once: true })
  })
}
