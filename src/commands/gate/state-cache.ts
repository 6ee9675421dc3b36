import type { StreamName } from '../../events/identifiers.ts'
import type { EventLog, NewState, StoredState } from '../../events/log/log.ts'
import type { Aggregate } from '../decider.ts'

/** The state of a stream at a revision. `unconfirmed` is the state that an append in flight writes. */
export type CachedState = { revision: number; state: unknown; unconfirmed?: NewState }

/** Parses a stored state, or folds the events again if another version of the aggregate stored it. */
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

/** The gate's cached states; the least recently used are evicted. A stale entry is harmless, because every append checks revisions. */
export type StateCache = {
  get: (stream: StreamName) => CachedState | undefined
  set: (stream: StreamName, held: CachedState) => void
  forget: (streams: Iterable<StreamName>) => void
  /**
   * Whether the gate assumes that an uncached stream is new, as most are when every command has its own stream. It then appends
   * without a read; if a stream exists, the append conflicts and returns its state.
   */
  expectsNew: boolean
}

/**
 * A cache of two generations: when the newer one is full, it replaces the older one, whose unused entries are dropped. Deleting the
 * oldest key of a single large Map would have to skip the holes that earlier deletions left.
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
