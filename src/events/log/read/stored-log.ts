import type { RedisClient } from '../../../platform/redis/cluster.ts'
import type { Position } from '../../identifiers.ts'
import type { LogKeys } from '../keys.ts'
import type { ReadOptions } from '../log.ts'
import { followHot, hotLog } from './hot-log.ts'
import { followTiered, readTiered, type ArchiveReader } from './tiered-read.ts'
import type { StoredEvent } from './stored-event.ts'

export type StoredLogOptions = {
  redis: RedisClient
  /** Opens a connection for one follower: a blocked connection can do nothing else. */
  openBlocking: () => RedisClient
  keys: LogKeys
  /** Holds the trimmed events. Without an archive, reading one of them throws LogStopped `log_trimmed`. */
  archive?: ArchiveReader | null
}

/** A log in its stored form, archive and hot stream as one: for the archiver, exports and the verifier. */
export type StoredLog = {
  /** Like LogReader's `read`, without parsing data and metadata. */
  readStored: (options?: ReadOptions) => AsyncGenerator<StoredEvent[]>
  /** Like LogReader's `follow`. */
  followStored: (after: Position, signal: AbortSignal) => AsyncGenerator<StoredEvent[]>
  /** Follows Redis alone: trimmed events are skipped silently. */
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
      // Disconnecting fails the pending command.
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
