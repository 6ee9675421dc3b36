import type { RedisClient } from '../../../platform/redis/cluster.ts'
import type { AnyRecordedEvent } from '../../catalogue.ts'
import { justBefore, type Position } from '../../identifiers.ts'
import type { Archive } from '../archive/archive.ts'
import type { LogKeys } from '../keys.ts'
import { readStored, storedEvent, type StoredEvent, type StreamEntry } from './stored-event.ts'

/** Where an event is, as an index of the log says. */
export type Place = { position: Position; sequence: number }

/**
 * Reads the events at places, in the order of the places, from Redis and the archive as one log. Leaves out a place at which the log has another
 * event or none. Throws UnreadableEvent, and what the stores throw.
 */
export type EventsAt = (places: readonly Place[]) => Promise<AnyRecordedEvent[]>

/** One trip to Redis, with a range for each run of neighbours, and one to the archive if some events are only there. */
export const eventsAt =
  (redis: Pick<RedisClient, 'xrange'>, { log }: Pick<LogKeys, 'log'>, archive: Pick<Archive, 'at'>): EventsAt =>
  async (places) => {
    const runs = runsOf(places.toSorted((a, b) => a.sequence - b.sequence))
    const ranges: StreamEntry[][] = await Promise.all(
      runs.map(({ first, last, count }) =>
        redis.xrange(log, `(${justBefore(first.position)}`, last.position, 'COUNT', count),
      ),
    )
    const found = new Map<number, StoredEvent>()
    for (const event of ranges.flat().map(storedEvent)) found.set(event.sequence, event)
    const missing = places.filter(({ sequence }) => !found.has(sequence)).map(({ sequence }) => sequence)
    for (const event of missing.length > 0 ? await archive.at(missing) : []) found.set(event.sequence, event)
    return places.flatMap(({ position, sequence }) => {
      const event = found.get(sequence)
      return event?.position === position ? [readStored(event)] : []
    })
  }

type Run = { first: Place; last: Place; count: number }

/** Places in log order as ranges of neighbours. */
function runsOf(places: readonly Place[]): Run[] {
  const runs: Run[] = []
  for (const place of places) {
    const run = runs.at(-1)
    if (run?.last.sequence === place.sequence - 1) {
      run.last = place
      run.count++
    } else runs.push({ first: place, last: place, count: 1 })
  }
  return runs
}
