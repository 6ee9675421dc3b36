import type { RedisClient } from '../../../platform/redis/cluster.ts'
import type { Position } from '../../identifiers.ts'
import type { LogKeys } from '../keys.ts'
import type { ReadOptions } from '../log.ts'
import { followHot, hotLog } from './hot-log.ts'
import { followTiered, readTiered, type ArchiveReader } from './tiered-read.ts'
import type { StoredEvent } from './stored-event.ts'

export type StoredLogOptions = {
  /** Takes reads. */
  redis: RedisClient
  /** Makes one connection for each follower, since a blocked connection can do nothing else. */
  openBlocking: () => RedisClient
  keys: LogKeys
  /** Where the events are that have left Redis. Without it reading one of them throws LogStopped `log_trimmed`. */
  archive?: ArchiveReader | null
}

/** A log as it was written, text by text: archive and hot stream as one. For whoever vouches, copies or verifies. */
export type StoredLog = {
  /** As LogReader's `read`, but nothing is parsed beyond the entry itself. */
  readStored: (options?: ReadOptions) => AsyncGenerator<StoredEvent[]>
  /** As LogReader's `follow`. */
  followStored: (after: Position, signal: AbortSignal) => AsyncGenerator<StoredEvent[]>
  /** The same of Redis alone: what has left it is not noticed. */
  followHotLog: (after: Position, signal: AbortSignal) => AsyncGenerator<StoredEvent[]>
}

export function storedLog({ redis, openBlocking, keys, archive = null }: StoredLogOptions): StoredLog {
  async function* connected(
    signal: AbortSignal,
    follow: (blocking: RedisClient) => AsyncGenerator<StoredEvent[]>,
  ): AsyncGenerator<StoredEvent[]> {
    const blocking = openBlocking()
    const disconnect = () => blocking.disconnect()
    signal.addEventListener('abort', disconnect, { once: true })
    try {
      yield* follow(blocking)
    } catch (error) {
      // Whatever was asked of the connection meanwhile has failed.
      if (!signal.aborted) throw error
    } finally {
      signal.removeEventListener('abort', disconnect)
      disconnect()
    }
  }

  return {
    readStored: (options = {}) => readTiered(hotLog(redis, keys), archive, options),
    followStored: (after, signal) =>
      connected(signal, (blocking) =>
        followTiered(hotLog(blocking, keys), archive, (from) => followHot(blocking, keys.log, from, signal), after),
      ),
    followHotLog: (after, signal) => connected(signal, (blocking) => followHot(blocking, keys.log, after, signal)),
  }
}
