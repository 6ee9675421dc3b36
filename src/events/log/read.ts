import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { RecordedEvent } from '../event.ts'
import { beginning, type Position } from '../identifiers.ts'
import { readStored, storedEvent, type StreamEntry } from './stored-event.ts'
import type { ReadOptions } from './log.ts'

const parseEntry = (entry: StreamEntry): RecordedEvent => readStored(storedEvent(entry))

const pageSize = 1000
const blockMs = 2000
/** A blocked read that has not settled so long after its own time is given up: a half-open connection never answers. */
const blockGraceMs = 2000
/** Before a server that refuses (for example while it loads its data) is asked again. */
const refusedPauseMs = 100

/** Pages of events from XRANGE or XREVRANGE, in order. What the filters leave out was read all the same. */
export async function* read(redis: Redis, logKey: string, options: ReadOptions = {}): AsyncGenerator<RecordedEvent[]> {
  const streams = options.streams && new Set<string>(options.streams)
  const types = options.types && new Set(options.types)
  const isBackward = options.direction === 'backward'
  let after = `(${options.after ?? beginning}`
  let upTo: string = options.upTo ?? '+'
  let left = options.limit ?? Infinity
  while (left > 0) {
    const entries: StreamEntry[] = isBackward
      ? await redis.xrevrange(logKey, upTo, after, 'COUNT', pageSize)
      : await redis.xrange(logKey, after, upTo, 'COUNT', pageSize)
    const last = entries.at(-1)
    if (!last) return
    if (isBackward) upTo = `(${last[0]}`
    else after = `(${last[0]}`
    const events = entries
      .map(parseEntry)
      .filter((event) => (!streams || streams.has(event.stream)) && (!types || types.has(event.type)))
      .slice(0, left)
    left -= events.length
    if (events.length > 0) yield events
    if (entries.length < pageSize) return
  }
}

/**
 * Everything after a position, then whatever comes. `redis` is a connection of its own: it blocks.
 * Survives lost connections; ends when the signal aborts.
 */
export async function* follow(redis: Redis, logKey: string, after: Position, signal: AbortSignal): AsyncGenerator<RecordedEvent[]> {
  let last: string = after
  while (!signal.aborted) {
    const entries = await readBlocked(redis, logKey, last, signal)
    if (entries.length === 0) continue
    last = entries.at(-1)?.[0] ?? last
    yield entries.map(parseEntry)
  }
}

/** One blocking XREAD, which settles whatever happens to the connection. Nothing new, an error or an abort: an empty list. */
async function readBlocked(redis: Redis, logKey: string, after: string, signal: AbortSignal): Promise<StreamEntry[]> {
  const reply = redis.xread('COUNT', pageSize, 'BLOCK', blockMs, 'STREAMS', logKey, after).then(
    (streams) => (streams?.[0]?.[1] ?? []) as StreamEntry[],
    () => 'failed' as const,
  )
  let timer: NodeJS.Timeout | undefined
  let abort: (() => void) | undefined
  const interrupted = new Promise<'stuck' | 'aborted'>((resolve) => {
    timer = setTimeout(() => resolve('stuck'), blockMs + blockGraceMs)
    abort = () => resolve('aborted')
    signal.addEventListener('abort', abort, { once: true })
  })
  const outcome = await Promise.race([reply, interrupted])
  clearTimeout(timer)
  if (abort) signal.removeEventListener('abort', abort)
  if (outcome === 'stuck') redis.disconnect(true)
  if (outcome === 'failed') await connectedAgain(redis, signal)
  return typeof outcome === 'string' ? [] : outcome
}

/** Waits until the connection is usable again, so that a lost or refusing one is not asked in a hot loop. */
async function connectedAgain(redis: Redis, signal: AbortSignal): Promise<void> {
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
