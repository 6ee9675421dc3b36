import type { RecordedEvent } from '../../../src/events/event.ts'
import { beginning, comparePositions, type Position } from '../../../src/events/identifiers.ts'
import type { ReadOptions } from '../../../src/events/log/log.ts'
import type { Entry, Held } from './held.ts'

/** Pages of events, each read when it is asked for. What the filters leave out was read all the same. */
export async function* read(held: () => Held, pageSize: number, options: ReadOptions = {}): AsyncGenerator<RecordedEvent[]> {
  const streams = options.streams && new Set<string>(options.streams)
  const types = options.types && new Set(options.types)
  const isBackward = options.direction === 'backward'
  let after = options.after ?? beginning
  let upTo = options.upTo
  let isDone = false
  let left = options.limit ?? Infinity
  while (left > 0 && !isDone) {
    const found = between(held(), after, upTo)
    const page = isBackward ? found.slice(-pageSize).reverse() : found.slice(0, pageSize)
    isDone = page.length === found.length
    const last = page.at(-1)
    if (!last) return
    if (isBackward) upTo = before(held(), last)
    else after = last.stored.position
    const events = page
      .map((entry) => entry.read())
      .filter((event) => (!streams || streams.has(event.stream)) && (!types || types.has(event.type)))
      .slice(0, left)
    left -= events.length
    if (events.length > 0) yield events
  }
}

/** The entries behind a position, up to another one or the end. */
export function between({ entries }: Held, after: Position, upTo?: Position): Entry[] {
  const start = indexBehind(entries, after)
  return entries.slice(start, upTo === undefined ? undefined : Math.max(start, indexBehind(entries, upTo)))
}

/** Of the first entry behind a position. */
function indexBehind(entries: readonly Entry[], position: Position): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    const entry = entries[middle]
    if (entry && comparePositions(entry.stored.position, position) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

const before = ({ entries }: Held, entry: Entry): Position => entries[entries.indexOf(entry) - 1]?.stored.position ?? beginning
