import { signal } from '@preact/signals'
import { council, faultOf } from '../server.ts'

/** An event as `GET /v1/events` shows it. */
export type LogEvent = {
  position: string
  stream: string
  revision: number
  type: string
  version: number
  data: Record<string, unknown>
  metadata: Record<string, unknown> & { actor: string; occurredAt: string; requestId?: string }
}

export type EventSummary = { position: string; stream: string; type: string; actor: string; occurredAt: string }

type Page = { events: LogEvent[]; next: string | null }

/** The list: the newest event first. `next` null: it is loaded to its end. */
export type EventList = {
  /** The filters that it shows. */
  query: string
  events: readonly LogEvent[]
  next: string | null
  state: 'loading' | 'there' | 'failed'
  why: string
}

const empty = (query: string): EventList => ({ query, events: [], next: null, state: 'loading', why: '' })
export const list = signal<EventList>(empty(''))

const firstPage = 200
/** The newest events of the list, among which an event that comes again is looked for. */
const overlap = 1_000
const furtherPage = 1_000

const pageAt = async (query: string, more: Record<string, string | number>): Promise<Page> =>
  (await council.read<Page>('/v1/events', { query: { ...Object.fromEntries(new URLSearchParams(query)), ...more } }))
    .body

/** Loads the first page for some filters. */
export async function loadEvents(query: string): Promise<void> {
  list.value = empty(query)
  await extend(query, () => pageAt(query, { limit: firstPage }))
}

/** Loads the page after the last event, unless it is being loaded. */
export async function loadMore(): Promise<void> {
  const { query, next, state } = list.peek()
  if (next === null || state === 'loading') return
  list.value = { ...list.peek(), state: 'loading' }
  await extend(query, () => pageAt(query, { limit: furtherPage, cursor: next }))
}

async function extend(query: string, ask: () => Promise<Page>): Promise<void> {
  try {
    const { events, next } = await ask()
    const before = list.peek()
    if (before.query !== query) return
    // The first page may have events that were followed before it came.
    const known = new Set(before.events.slice(0, overlap).map(({ position }) => position))
    const added = events.filter(({ position }) => !known.has(position))
    list.value = { ...before, events: [...before.events, ...added], next, state: 'there' }
    // A page of rare events may be short although there are more.
    if (next !== null && events.length < 20) await loadMore()
  } catch (error) {
    if (list.peek().query === query) list.value = { ...list.peek(), state: 'failed', why: faultOf(error) }
  }
}

/** Adds events that have just been recorded, each once and in its place. */
export function addNewest(query: string, newest: readonly LogEvent[]): void {
  const { query: shown, events } = list.peek()
  if (shown !== query) return
  const head = events.slice(0, overlap)
  const known = new Set(head.map(({ position }) => position))
  const added = newest.filter(({ position }) => !known.has(position))
  if (added.length === 0) return
  const merged = [...added, ...head].toSorted(newestFirst)
  list.value = { ...list.peek(), events: [...merged, ...events.slice(overlap)] }
}

/** Adds the events up to a position that the list may lack. If there are too many of them, the list is loaded again. */
export async function catchUp(query: string, after: string): Promise<void> {
  const { events: newest } = await pageAt(query, { limit: firstPage, after }).catch(() => ({ events: [] }))
  const { query: shown, events } = list.peek()
  const known = new Set(events.map(({ position }) => position))
  const hasGap = newest.length === firstPage && events.length > 0 && !newest.some(({ position }) => known.has(position))
  if (hasGap && shown === query) await loadEvents(query)
  else addNewest(query, newest)
}

/** Positions compare as two numbers. */
function newestFirst({ position: a }: LogEvent, { position: b }: LogEvent): number {
  const [aMs = 0, aNo = 0] = a.split('-').map(Number)
  const [bMs = 0, bNo = 0] = b.split('-').map(Number)
  return bMs - aMs || bNo - aNo
}

/** The time of the day, to the millisecond. */
export const clockTime = (at: string): string =>
  new Date(at).toLocaleTimeString([], {
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
    ...{ fractionalSecondDigits: 3, hourCycle: 'h23' },
  })
