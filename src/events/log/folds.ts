import type { RecordedEvent } from '../event.ts'
import type { Position, StreamName } from '../identifiers.ts'
import { stateText } from './append/stored-states.ts'

/** The part of an aggregate that the log needs to fold its streams. */
export type StreamFold = {
  stateVersion: number
  initial: unknown
  /** The state after a stream's last event: `evolve` returns this very object. */
  finished?: unknown
  /** The stream has no state, and an append expects any revision. */
  appendOnly?: true
  unfinishedJob?(state: unknown): string | null
  nextDeadlineMs?(state: unknown): number | null
  evolve(state: unknown, event: RecordedEvent): unknown
}

/** Undefined for a stream of no known aggregate. */
export type FoldOf = (stream: StreamName) => StreamFold | undefined

/** An unfinished stream after an event. `first` and `last` are the positions of its first event and of this one. */
export type LiveStream = { revision: number; state: unknown; first: Position; last: Position; fold: StreamFold }

/** The effect of an event. In the last three cases only the revision of the stream changes. */
export type Taken = 'live' | 'finished' | 'unknown' | { wrongRevision: number } | { failed: unknown }

/** All unfinished streams of a log, folded event by event in log order. */
export type Folds = {
  live: ReadonlyMap<StreamName, LiveStream>
  /** Streams with inconsistent events: their state is unknown from there on. */
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

/** When the clock must next act on a stream, in epoch ms; null: never. */
export const deadlineOf = ({ fold, state }: Pick<LiveStream, 'fold' | 'state'>): number | null =>
  fold.nextDeadlineMs?.(state) ?? null

/** The state of a live stream as append.lua stores it. */
export const storedText = ({ revision, state, fold }: LiveStream): string =>
  stateText(revision, { stateVersion: fold.stateVersion, state: fold.appendOnly ? '{}' : JSON.stringify(state) })
