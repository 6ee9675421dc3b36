import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { ClientError } from '../src/client/client-error.ts'
import { pauseFor } from '../src/client/reconnect.ts'
import type { Change } from '../src/client/subscribe.ts'
import type { Loaded } from './loaded.ts'
import { council, faultOf } from './server.ts'

/** Why the figures are not the newest; null: they are. */
const connection = signal<string | null>('connecting')
const stale = signal<ReadonlyMap<string, string>>(new Map())
export const liveFault: ReadonlySignal<string | null> = computed(() => {
  const [why] = stale.value.values()
  return connection.value ?? (why === undefined ? null : `figures may be old: ${why}`)
})

const topics = new Map<string, Signal<Loaded<unknown>>>()
const subscription = council.subscribe([], {
  onLive: () => void (connection.value = null),
  onLost: ({ why }) => void (connection.value = `connection lost (${why}); reconnecting`),
})

/**
 * The newest value of a topic: what `GET /v1/<topic>` answers. It changes by itself for as long as a part of the page shows it, over
 * lost connections and restarts of the server. All topics share one socket.
 */
export function live<Body>(topic: string): ReadonlySignal<Loaded<Body>> {
  const known = topics.get(topic)
  const made = known ?? signal<Loaded<unknown>>({ state: 'loading' }, { watched, unwatched })
  function watched(): void {
    subscription.add(topic)
    start()
  }
  function unwatched(): void {
    subscription.remove(topic)
    setStale(topic, null)
  }
  if (!known) topics.set(topic, made)
  return made as ReadonlySignal<Loaded<Body>>
}

/** The rows of a list that a topic shows. `name`: that of the list in its body. The topic may depend on other signals. */
export const liveRows = <Row>(topic: () => string, name: string): ReadonlySignal<Loaded<readonly Row[]>> =>
  computed(() => {
    const loaded = live<Readonly<Record<string, readonly Row[]>>>(topic()).value
    return loaded.state === 'there' ? { state: 'there', value: loaded.value[name] ?? [] } : loaded
  })

/** `events`: the next ones, in the order of the log. `fault`: the code with which the server has ended or delayed the topic. */
export type EventsChange =
  { position: string; events: readonly Readonly<Record<string, unknown>>[] } | { fault: string }

const eventListeners = new Map<string, (change: EventsChange) => void>()

/**
 * Follows the topic `events` with some filters, each event once: the first change says where it begins. One part of a page follows a
 * topic. Returns the function that ends it.
 */
export function followEvents(topic: string, onChange: (change: EventsChange) => void): () => void {
  eventListeners.set(topic, onChange)
  subscription.add(topic)
  start()
  return () => {
    eventListeners.delete(topic)
    subscription.remove(topic)
    setStale(topic, null)
  }
}

let hasStarted = false
function start(): void {
  if (hasStarted) return
  hasStarted = true
  void follow()
}

const againMs = 5_000

/** A page is open all day: it never gives up, unless its session has ended. */
async function follow(): Promise<void> {
  for (;;) {
    try {
      for await (const change of subscription) batch(() => take(change))
    } catch (error) {
      connection.value = await whyEnded(error)
      if (error instanceof ClientError && error.code === 'unauthorized') return
    }
    await pauseFor(againMs, new AbortController().signal)
  }
}

/** A socket does not tell whether the session has ended, or has no scope for any topic: a read does. */
async function whyEnded(error: unknown): Promise<string> {
  await council.read('/v1/mode', { retryForMs: 0 }).catch(faultOf)
  return faultOf(error)
}

function take(change: Change): void {
  const { topic } = change
  eventListeners.get(topic)?.('code' in change ? { fault: change.code } : eventsOf(change))
  const into = topics.get(topic)
  if (!into) return
  if ('value' in change) into.value = { state: 'there', value: change.value }
  else if ('code' in change && into.value.state !== 'there') into.value = { state: 'failed', why: change.message }
  setStale(topic, 'code' in change && passing.includes(change.code) ? change.message : null)
}

const eventsOf = (change: Exclude<Change, { code: string }>): EventsChange => ({
  position: change.position,
  events: 'events' in change ? change.events : [],
})

/** Faults of the server that end by themselves. */
const passing = ['read_model_unavailable', 'read_model_behind', 'internal']

function setStale(topic: string, why: string | null): void {
  if ((stale.value.get(topic) ?? null) === why) return
  const others = [...stale.value].filter(([one]) => one !== topic)
  stale.value = new Map(why === null ? others : [...others, [topic, why]])
}
