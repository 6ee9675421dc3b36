import { followEvents, type EventsChange } from '../live.ts'
import { addNewest, catchUp, type LogEvent } from './events.ts'

/** Adds the events of the filters to the list as they are recorded. Returns the function that stops it. */
export function followLog(query: string): () => void {
  const topic = query === '' ? 'events' : `events?${query}`
  let stop = follow()

  function follow(): () => void {
    let hasBegun = false
    return followEvents(topic, (change) => {
      if ('fault' in change) return restartAfter(change)
      // In between the list may have been read from an index that had not reached this position.
      if (!hasBegun) void catchUp(query, change.position)
      hasBegun = true
      addNewest(query, change.events as readonly LogEvent[])
    })
  }
  function restartAfter({ fault }: Extract<EventsChange, { fault: string }>): void {
    if (fault !== 'too_far_behind') return
    stop()
    stop = follow()
  }
  return () => stop()
}
