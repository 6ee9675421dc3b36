import type { RecordedEvent } from '../../event.ts'
import type { Position, StreamName } from '../../identifiers.ts'
import type { EventLog } from '../log.ts'

type Listener = (event: RecordedEvent) => void

/**
 * One follower a process for everyone who waits for events of single streams: answers that are being streamed,
 * workers that must notice a cancellation.
 */
export type LogTail = {
  /** Calls the listener for every event of the stream that arrives from now on. Returns how to stop listening. */
  listen: (stream: StreamName, listener: Listener) => () => void
  /** Ends when `stop` was called; rejects when the log cannot be read any more. */
  done: Promise<void>
  stop: () => Promise<void>
}

export function startTail(log: EventLog, from: Position): LogTail {
  const listeners = new Map<StreamName, Set<Listener>>()
  const abort = new AbortController()
  const done = (async () => {
    for await (const events of log.follow(from, abort.signal)) {
      for (const event of events) for (const listener of listeners.get(event.stream) ?? []) listener(event)
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
    done,
    async stop() {
      abort.abort()
      await done.catch(() => undefined)
    },
  }
}
