import type { StreamName } from '../events/identifiers.ts'
import type { EventLog, StoredState } from '../events/log/log.ts'
import type { Aggregate } from './decider.ts'

/** An aggregate as of a revision. */
export type Held = { revision: number; state: unknown }

/** A stored state as the aggregate knows it; folded again from the events where an older program wrote it. */
export async function unfold(log: Pick<EventLog, 'read'>, aggregate: Aggregate<unknown>, stored: StoredState): Promise<Held> {
  if (stored.status === 'absent') return { revision: 0, state: aggregate.initial }
  if (stored.status === 'finished') {
    if (aggregate.finished === undefined) throw new Error(`${stored.stream} is finished, but a ${aggregate.category} never finishes`)
    return { revision: stored.revision, state: aggregate.finished }
  }
  if (stored.foldVersion === aggregate.foldVersion) return { revision: stored.revision, state: JSON.parse(stored.state) }
  let held: Held = { revision: 0, state: aggregate.initial }
  for await (const events of log.read({ streams: [stored.stream] }))
    for (const event of events) held = { revision: event.revision, state: aggregate.evolve(held.state, event) }
  if (held.revision < stored.revision) throw new Error(`${stored.stream} is at revision ${stored.revision}, but the log only shows ${held.revision}`)
  return held
}

/** What the gate knows of aggregates, the least recently used forgotten first. Never trusted: every append checks the revisions. */
export type StateCache = {
  get: (stream: StreamName) => Held | undefined
  set: (stream: StreamName, held: Held) => void
  forget: (streams: Iterable<StreamName>) => void
  /**
   * Whether streams that are not in here are taken for new ones, which they mostly are where every command has a stream of its
   * own: then nothing is read before the append, which finds out, and brings the states of those that were there.
   */
  expectsNew: boolean
}

export function stateCache(maxStreams: number): StateCache {
  const held = new Map<StreamName, Held>()
  return {
    expectsNew: false,
    get(stream) {
      const found = held.get(stream)
      if (found) {
        held.delete(stream)
        held.set(stream, found)
      }
      return found
    },
    set(stream, state) {
      held.delete(stream)
      held.set(stream, state)
      if (held.size > maxStreams) for (const oldest of held.keys()) return void held.delete(oldest)
    },
    forget(streams) {
      for (const stream of streams) held.delete(stream)
    },
  }
}
