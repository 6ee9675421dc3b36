import type { StreamName } from '../../events/identifiers.ts'
import type { EventLog, NewState, StoredState } from '../../events/log/log.ts'
import type { Aggregate } from '../decider.ts'

/** An aggregate as of a revision; with what an append writes of it, as long as that append is in flight. */
export type CachedState = { revision: number; state: unknown; unsettled?: NewState }

/** A stored state as the aggregate knows it; folded again from the events where an older program wrote it. */
export async function hydrate(
  log: Pick<EventLog, 'read'>,
  aggregate: Aggregate<unknown>,
  stored: StoredState,
): Promise<CachedState> {
  if (stored.status === 'absent') return { revision: 0, state: aggregate.initial }
  if (stored.status === 'finished') {
    if (aggregate.finished === undefined)
      throw new Error(`${stored.stream} is finished, but a ${aggregate.category} never finishes`)
    return { revision: stored.revision, state: aggregate.finished }
  }
  if (stored.stateVersion === aggregate.stateVersion)
    return { revision: stored.revision, state: JSON.parse(stored.state) }
  let held: CachedState = { revision: 0, state: aggregate.initial }
  for await (const events of log.read({ streams: [stored.stream] }))
    for (const event of events) held = { revision: event.revision, state: aggregate.evolve(held.state, event) }
  if (held.revision < stored.revision)
    throw new Error(`${stored.stream} is at revision ${stored.revision}, but the log only shows ${held.revision}`)
  return held
}

/** What the gate knows of aggregates, those that were not used for long forgotten first. Never trusted: every append checks the revisions. */
export type StateCache = {
  get: (stream: StreamName) => CachedState | undefined
  set: (stream: StreamName, held: CachedState) => void
  forget: (streams: Iterable<StreamName>) => void
  /**
   * Whether streams that are not in here are taken for new ones, which they mostly are where every command has a stream of its
   * own: then nothing is read before the append, which finds out, and brings the states of those that were there.
   */
  expectsNew: boolean
}

/**
 * In two generations: when the newer one is full, it takes the place of the older, whose streams nobody has asked for since.
 * (Deleting the oldest key of one big Map, over and over, means to step over all the holes that were left before it.)
 */
export function stateCache(maxStreams: number): StateCache {
  let newer = new Map<StreamName, CachedState>()
  let older = newer
  const keep = (stream: StreamName, held: CachedState): void => {
    if (newer.size >= maxStreams / 2) {
      older = newer
      newer = new Map()
    }
    newer.set(stream, held)
  }
  return {
    expectsNew: false,
    get(stream) {
      const held = newer.get(stream)
      if (held) return held
      const found = older.get(stream)
      if (found) keep(stream, found)
      return found
    },
    set: keep,
    forget(streams) {
      for (const stream of streams) {
        newer.delete(stream)
        older.delete(stream)
      }
    },
  }
}
