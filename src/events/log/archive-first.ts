import type { Redis } from 'ioredis'
import { beginning } from '../identifiers.ts'
import type { Archive } from './archive/archive.ts'
import { hotEntries } from './hot-entries.ts'
import type { StoredEvent } from './stored-event.ts'

/** A log from its first event on: what is archived, and then what is only in Redis as yet. Throws UnreadableEvent for an entry that is no event's. */
export async function* readArchiveFirst(archive: Pick<Archive, 'read'> | null, redis: Pick<Redis, 'xrange'>, logKey: string): AsyncGenerator<StoredEvent[]> {
  let last = beginning
  for await (const events of archive?.read() ?? []) {
    yield events
    last = events.at(-1)?.position ?? last
  }
  for await (const entries of hotEntries(redis, logKey, last, '+'))
    yield entries.map(({ event, problem }) => {
      if (problem) throw problem
      return event
    })
}
