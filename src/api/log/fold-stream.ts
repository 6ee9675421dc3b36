import { setImmediate } from 'node:timers/promises'
import type { Aggregate } from '../../commands/decider.ts'
import type { RecordedEvent } from '../../events/event.ts'
import { comparePositions, type Position, type StreamName } from '../../events/identifiers.ts'
import type { EventsAt, Place } from '../../events/log/read/events-at.ts'
import { messageOf } from '../../platform/platform-error.ts'
import type { ReadModelReader } from '../../projections/engine/read-model-reader.ts'
import { logIndex } from '../../projections/log-index.ts'
import { selectStream } from '../../projections/log-selection.ts'

/** How far to fold: to a position, to a revision, or to the newest event that the index knows (null). */
export type FoldEnd = { position: Position } | { revision: number } | null

export type Folded = Place & { revision: number; state: unknown }

export type FoldedStream =
  /** `folded` null: the stream has no event up to there. */
  | { outcome: 'folded'; folded: Folded | null; indexedTo: Position }
  /** There are more events than one request may fold: the same request goes on from there. */
  | { outcome: 'unfinished'; revision: number }
  | Exclude<Awaited<ReturnType<ReadModelReader>>, { outcome: 'read' }>

type Sources = { readModel: ReadModelReader; eventsAt: EventsAt }
export type FoldStream = (
  aggregate: Aggregate<unknown>,
  stream: StreamName,
  end: FoldEnd,
  after: Position | null,
) => Promise<FoldedStream>

/** Of one request, so that others get their turn. A multiple of `checkpointEvery`, where the next request goes on. */
const maxEvents = 20_000
const placesAtOnce = 2_000
/** Between two parts the process serves others. */
const eventsAtOnce = 250
const checkpointEvery = 1_000
const maxStreams = 8

/**
 * Folds streams up to a moment, one request after another. Remembers states on the way, so that the moments of a time slider do not each
 * start from the first event. Throws what `eventsAt` throws, and an Error when the events do not follow each other.
 */
export function streamFolds({ readModel, eventsAt }: Sources): FoldStream {
  const remembered = new Map<StreamName, Folded[]>()
  let turn: Promise<unknown> = Promise.resolve()

  const checkpointsOf = (stream: StreamName): Folded[] => {
    const known = remembered.get(stream) ?? []
    remembered.delete(stream)
    remembered.set(stream, known)
    for (const oldest of remembered.keys()) if (remembered.size > maxStreams) remembered.delete(oldest)
    return known
  }

  const foldNow: FoldStream = async (aggregate, stream, end, after) => {
    const checkpoints = checkpointsOf(stream)
    let folded = checkpoints.findLast((checkpoint) => isWithin(checkpoint, end)) ?? null
    for (let taken = 0; ;) {
      const from = folded?.sequence ?? 0
      const read = await readModel(logIndex, after, (tx) => selectStream(tx, stream, from, placesAtOnce))
      if (read.outcome !== 'read') return read
      const places = read.result.filter((row) => isWithin(row, end))
      for (let start = 0; start < places.length; start += eventsAtOnce) {
        folded = await foldPart(aggregate, places.slice(start, start + eventsAtOnce), folded, checkpoints)
        await setImmediate()
      }
      taken += places.length
      if (places.length < placesAtOnce) return { outcome: 'folded', folded, indexedTo: read.position }
      if (taken >= maxEvents && folded) return { outcome: 'unfinished', revision: folded.revision }
    }
  }

  async function foldPart(
    aggregate: Aggregate<unknown>,
    places: readonly Place[],
    before: Folded | null,
    checkpoints: Folded[],
  ): Promise<Folded | null> {
    const events = await eventsAt(places)
    if (events.length < places.length) throw new Error('it lacks events that its index names: run council audit verify')
    let folded = before
    for (const event of events) {
      const { position, sequence, revision } = event
      folded = { position, sequence, revision, state: evolved(aggregate, folded, event) }
      if (revision % checkpointEvery === 0 && revision > (checkpoints.at(-1)?.revision ?? 0)) checkpoints.push(folded)
    }
    return folded
  }

  return (...asked) => {
    const folding = turn.then(() => foldNow(...asked))
    turn = folding.catch(() => undefined)
    return folding
  }
}

const isWithin = ({ position, revision }: Place & { revision: number }, end: FoldEnd): boolean => {
  if (end === null) return true
  return 'revision' in end ? revision <= end.revision : comparePositions(position, end.position) <= 0
}

function evolved(aggregate: Aggregate<unknown>, before: Folded | null, event: RecordedEvent): unknown {
  try {
    return aggregate.evolve(before ? before.state : aggregate.initial, event)
  } catch (error) {
    throw new Error(
      `the events of ${event.stream} do not follow each other, at ${event.position}: ${messageOf(error)}`,
      { cause: error },
    )
  }
}
