import type { RedisClient } from '../../../platform/redis/cluster.ts'
import { beginning, type Position } from '../../identifiers.ts'
import type { Archive } from '../archive/archive.ts'
import { hotEntries } from './hot-entries.ts'
import { storedEvent, type StoredEvent } from './stored-event.ts'

/**
 * Reads a log after a position, by default from its first event: the archive, then the events that are only in Redis. Throws
 * UnreadableEvent for an entry that is not an event.
 */
export async function* readArchiveFirst(
  archive: Pick<Archive, 'read'> | null,
  redis: Pick<RedisClient, 'xrange'>,
  logKey: string,
  after: Position = beginning,
): AsyncGenerator<StoredEvent[]> {
  let last = after
  for await (const events of archive?.read({ after }) ?? []) {
    yield events
    last = events.at(-1)?.position ?? last
  }
  for await (const entries of hotEntries(redis, logKey, last, '+')) yield entries.map(storedEvent)
}
