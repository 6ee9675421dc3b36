import type { RecordedEvent } from '../event.ts'
import type { Position, StreamName } from '../identifiers.ts'
import { stateText } from './append/stored-states.ts'

/** How the streams of one kind are folded: what this layer needs to know of an aggregate. */
export type StreamFold = {
  stateVersion: number
  initial: unknown
  /** The state after the last event of a stream: `evolve` returns this very value. */
  finished?: unknown
  /** Any revision may be appended to, and no state is kept. */
  history?: true
  unfinishedJob?(state: unknown): string | null
  evolve(state: unknown, event: RecordedEvent): unknown
}

/** Undefined: no aggregate has such streams. */
export type FoldOf = (stream: StreamName) => StreamFold | undefined

/** A stream that is not finished, after an event. `first` and `last` are the positions of its first and of this event. */
export type LiveStream = { revision: number; state: unknown; first: Position; last: Position; fold: StreamFold }

/** What an event led to. In the last three cases the stream is as it was before, but for its revision. */
export type Taken = 'live' | 'finished' | 'unknown' | { wrongRevision: number } | { failed: unknown }

/** All streams of a log that are not finished, folded event by event in the log's order. */
export type Folds = {
  live: ReadonlyMap<StreamName, LiveStream>
  /** Streams whose events did not follow each other: nothing more can be said of their state. */
  broken: ReadonlySet<StreamName>
  take: (event: RecordedEvent) => Taken
}

export function foldStreams(foldOf: FoldOf): Folds {
  const live = new Map<StreamName, LiveStream>()
  const broken = new Set<StreamName>()

  return {
    live,
    broken,
    take(event) {
      const { stream, revision } = event
      const before = live.get(stream)
      const fold = before?.fold ?? foldOf(stream)
      if (!fold) return 'unknown'
      const expected = (before?.revision ?? 0) + 1
      const held = before ? before.state : fold.initial
      if (revision !== expected || broken.has(stream)) {
        broken.add(stream)
        live.set(stream, reached(event, before, held, fold))
        return revision === expected ? 'live' : { wrongRevision: expected }
      }
      try {
        const state = fold.evolve(held, event)
        if (fold.finished !== undefined && state === fold.finished) {
          live.delete(stream)
          return 'finished'
        }
        live.set(stream, reached(event, before, state, fold))
        return 'live'
      } catch (error) {
        broken.add(stream)
        live.set(stream, reached(event, before, held, fold))
        return { failed: error }
      }
    },
  }
}

const reached = (
  { revision, position }: RecordedEvent,
  before: LiveStream | undefined,
  state: unknown,
  fold: StreamFold,
): LiveStream => ({ revision, state, first: before?.first ?? position, last: position, fold })

/** A live stream's state, as append.lua stores it. */
export const storedText = ({ revision, state, fold }: LiveStream): string =>
  stateText(revision, { stateVersion: fold.stateVersion, state: fold.history ? '{}' : JSON.stringify(state) })
