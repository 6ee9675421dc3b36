import type { AnyRecordedEvent } from '../../catalogue.ts'
import type { Position, StreamName } from '../../identifiers.ts'
import type { EventLog } from '../log.ts'

type Listener = (event: AnyRecordedEvent) => void
type PageListener = (events: readonly AnyRecordedEvent[]) => void

/**
 * One follower per process for all listeners: answers that are streamed to clients, workers that must notice a cancellation, and live
 * changes.
 */
export type LogTail = {
  /** Calls the listener for every new event of the stream. Returns a function that removes the listener. */
  listen: (stream: StreamName, listener: Listener) => () => void
  /** Calls the listener for every page of new events, after the listeners of single streams. Returns a function that removes it. */
  listenToAll: (listener: PageListener) => () => void
  /** The newest event that all listeners have seen. */
  position: () => Position
  /** Resolves after `stop`; rejects when the log becomes unreadable. */
  done: Promise<void>
  stop: () => Promise<void>
}

export function startTail(log: EventLog, from: Position): LogTail {
  const listeners = new Map<StreamName, Set<Listener>>()
  const pageListeners = new Set<PageListener>()
  let position = from
  const abort = new AbortController()
  const done = (async () => {
    for await (const events of log.follow(from, abort.signal)) {
      for (const event of events) for (const listener of listeners.get(event.stream) ?? []) listener(event)
      position = events.at(-1)?.position ?? position
      for (const listener of pageListeners) listener(events)
    }
  })()

  return {
    listen(stream, listener) {
      const of = listeners.get(stream) ?? new Set()
      listeners.set(stream, of.add(listener))
      return () => {
        of.delete(listener)
        if (of.size === 0 && listeners.get(stream) === of) listeners.delete(stream)
      }
    },
    listenToAll(listener) {
      pageListeners.add(listener)
      return () => void pageListeners.delete(listener)
    },
    position: () => position,
    done,
    async stop() {
      abort.abort()
      await done.catch(() => undefined)
    },
  }
}
