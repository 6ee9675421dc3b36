import type { RedisClient } from '../../platform/redis/cluster.ts'
import type { AnyRecordedEvent } from '../catalogue.ts'
import { commandWindowMs, Uuid7, uuid7TimeMs } from '../identifiers.ts'
import { append, type KnownLog } from './append/append.ts'
import { commandField, parseCommand } from './append/command-ids.ts'
import type { FoldOf } from './folds.ts'
import type { Durability } from './integrity/durability.ts'
import { guardWrites } from './integrity/write-guard.ts'
import { openJobQueue, type JobQueue } from './jobs/job-queue.ts'
import type { AppendResult, EventLog, LogReader } from './log.ts'
import type { EventMacs } from './integrity/mac.ts'
import { holdLease } from './clock/hold-lease.ts'
import { correctDeadline, indexDeadlines } from './clock/index-deadlines.ts'
import { readDeadlines } from './clock/read-deadlines.ts'
import { headOf } from './read/hot-log.ts'
import { loadStates } from './append/stored-states.ts'
import { readStored } from './read/stored-event.ts'
import { storedLog, type StoredLogOptions } from './read/stored-log.ts'

export type RedisLogOptions = StoredLogOptions & {
  incarnation: string
  durability: Durability
  macs: EventMacs
  /** The known state of the log, shared with other parts of the process. */
  known?: KnownLog
}

/** Reads a council's log from Redis Streams, and trimmed events from the archive. */
export function redisLogReader(options: StoredLogOptions): LogReader {
  const { redis, keys } = options
  const stored = storedLog(options)
  return {
    loadStates: (streams) => loadStates(redis, keys, streams),
    deadlines: (page) => readDeadlines(redis, keys, page),
    async *read(range) {
      for await (const events of stored.readStored(range)) yield events.map(readStored)
    },
    async *follow(after, signal) {
      for await (const events of stored.followStored(after, signal)) yield events.map(readStored)
    },
    head: () => headOf(redis, keys.log),
  }
}

/** A council's log on Redis Streams, with its jobs. */
export type RedisLog = EventLog & {
  /** Opens the job queue for a consumer; `blocking` is a connection of its own. */
  openJobs: (blocking: RedisClient, consumer: string, leaseMs: number) => Promise<JobQueue>
  /** Completes the index of deadlines, unless it is complete under these rules. Returns the number of states that it looked at. */
  indexDeadlines: (foldOf: FoldOf, rules: string) => Promise<number>
}

export function redisLog(options: RedisLogOptions): RedisLog {
  const { redis, keys, incarnation, durability, macs } = options
  const { known = { incarnation, sequence: 0 } } = options
  const guard = { keys, known, durability }
  const write = guardWrites(redis, guard)
  const reader = redisLogReader(options)
  /**
   * Raises the known sequence by reads too, so that a process that never writes notices a log that lost its tail. Only with `fsync`:
   * under `archived` a log may lose unacknowledged events, and under `memory` any.
   */
  async function* noted(pages: AsyncGenerator<AnyRecordedEvent[]>): AsyncGenerator<AnyRecordedEvent[]> {
    for await (const events of pages) {
      if (durability === 'fsync')
        known.sequence = events.reduce((newest, { sequence }) => Math.max(newest, sequence), known.sequence)
      yield events
    }
  }

  return {
    ...reader,
    read: (readOptions) => noted(reader.read(readOptions)),
    follow: (after, signal) => noted(reader.follow(after, signal)),

    async append(request) {
      const result = await write(() => append(redis, keys, known, macs, request))
      if (result.result === 'appended') known.sequence = Math.max(known.sequence, lastSequence(result))
      return result
    },

    correctDeadline: (deadline) => correctDeadline({ redis, write, keys, incarnation }, deadline),

    holdLease: (request) => write(() => holdLease(redis, keys, incarnation, request)),

    async findCommand(principal, commandId) {
      const stored = await redis.hget(keys.commands(uuid7TimeMs(commandId)), commandField(principal, commandId))
      return stored === null ? null : parseCommand(stored)
    },

    async commandIdFor(principal, key, newId) {
      const id = newId()
      const known = await write(() =>
        redis.set(keys.callersKey(principal, key), id, 'PX', commandWindowMs, 'NX', 'GET'),
      )
      return known === null ? id : Uuid7.parse(known)
    },

    indexDeadlines: (foldOf, rules) =>
      indexDeadlines({ redis, write, keys, incarnation, read: reader.read, foldOf, rules }),

    openJobs: (blocking, consumer, leaseMs) =>
      openJobQueue({
        redis,
        write,
        blocking,
        writeBlocking: guardWrites(blocking, guard),
        keys,
        incarnation,
        consumer,
        leaseMs,
      }),
  }
}

const lastSequence = ({ firstSequence, positions }: Extract<AppendResult, { result: 'appended' }>): number =>
  firstSequence + positions.length - 1
