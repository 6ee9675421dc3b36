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
const furtherPage = 1_000

const pageAt = async (query: string, more: Record<string, string | number>): Promise<Page> =>
  (await council.read<Page>('/v1/events', { query: { ...Object.fromEntries(new URLSearchParams(query)), ...more } }))
    .body

/** Loads the first page for some filters. */
export async function loadEvents(query: string): Promise<void> {
  list.value = empty(query)
  await extend(query, () => pageAt(query, { limit: firstPage }))
}

/** Loads the next page behind the last event, unless it is being loaded. */
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
    list.value = { ...before, events: [...before.events, ...events], next, state: 'there' }
    // A page of rare events may be short although there are more.
    if (next !== null && events.length < 20) await loadMore()
  } catch (error) {
    if (list.peek().query === query) list.value = { ...list.peek(), state: 'failed', why: faultOf(error) }
  }
}

/** Adds events that have just been recorded, each once. */
export function addNewest(query: string, newestFirst: readonly LogEvent[]): void {
  const { query: shown, events, state } = list.peek()
  if (shown !== query || state !== 'there') return
  const known = new Set(events.slice(0, newestFirst.length).map(({ position }) => position))
  const added = newestFirst.filter(({ position }) => !known.has(position))
  if (added.length > 0) list.value = { ...list.peek(), events: [...added, ...events] }
}

/** The newest events of the filters. */
export const newestEvents = async (query: string): Promise<readonly LogEvent[]> =>
  (await pageAt(query, { limit: 100 })).events

/** The time of the day, to the millisecond. */
export const clockTime = (at: string): string =>
  new Date(at).toLocaleTimeString([], {
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
    ...{ fractionalSecondDigits: 3, hourCycle: 'h23' },
  })
