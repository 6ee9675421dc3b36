import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { beginning, comparePositions, type Position } from '../../../src/events/identifiers.ts'
import type { ReadOptions } from '../../../src/events/log/log.ts'
import type { Entry, Held } from './held.ts'

/** Transports a request to the log and its reply back; simulations inject a network here. */
export type Link = <T>(
  request: 'append' | 'lease' | 'states' | 'deadlines' | 'page' | 'follow' | 'head' | 'command' | 'key',
  serve: () => T,
) => Promise<T>

/** Pages of events, read lazily. Filtered events are read too. */
export async function* read(
  held: () => Held,
  pageSize: number,
  link: Link,
  options: ReadOptions = {},
): AsyncGenerator<AnyRecordedEvent[]> {
  const streams = options.streams && new Set<string>(options.streams)
  const types = options.types && new Set(options.types)
  const isBackward = options.direction === 'backward'
  let after = options.after ?? beginning
  let upTo = options.upTo
  let isDone = false
  let left = options.limit ?? Infinity
  while (left > 0 && !isDone) {
    const [from, to] = [after, upTo]
    const { page, isLast, next } = await link('page', () => {
      const found = between(held(), from, to)
      const entries = isBackward ? found.slice(-pageSize).reverse() : found.slice(0, pageSize)
      const last = entries.at(-1)
      return {
        page: entries,
        isLast: entries.length === found.length,
        next: last && (isBackward ? before(held(), last) : last.stored.position),
      }
    })
    if (!next) return
    isDone = isLast
    if (isBackward) upTo = next
    else after = next
    const events = page
      .map((entry) => entry.read())
      .filter((event) => (!streams || streams.has(event.stream)) && (!types || types.has(event.type)))
      .slice(0, left)
    left -= events.length
    if (events.length > 0) yield events
  }
}

type Followed = { held: () => Held; grown: () => Promise<unknown>; pageSize: number; link: Link }

/** All events after a position, then new ones. Retries a failed link from the same position. */
export async function* follow(
  { held, grown, pageSize, link }: Followed,
  after: Position,
  signal: AbortSignal,
): AsyncGenerator<AnyRecordedEvent[]> {
  let last = after
  while (!signal.aborted) {
    const from = last
    const answer = await link('follow', () => ({
      page: between(held(), from).slice(0, pageSize),
      grown: grown(),
    })).catch(() => undefined)
    if (!answer) continue
    const newest = answer.page.at(-1)
    if (newest) {
      last = newest.stored.position
      yield answer.page.map((entry) => entry.read())
    } else await grownOrAborted(answer.grown, signal)
  }
}

function grownOrAborted(grown: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  const aborted = Promise.withResolvers<undefined>()
  const abort = () => aborted.resolve(undefined)
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([grown, aborted.promise]).finally(() => signal.removeEventListener('abort', abort))
}

/** The entries after a position, up to another one or the end. */
function between({ entries }: Held, after: Position, upTo?: Position): Entry[] {
  const start = indexBehind(entries, after)
  return entries.slice(start, upTo === undefined ? undefined : Math.max(start, indexBehind(entries, upTo)))
}

/** The index of the first entry after a position. */
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

const before = ({ entries }: Held, entry: Entry): Position =>
  entries[entries.indexOf(entry) - 1]?.stored.position ?? beginning
