import type { Feed } from './feed.ts'

/** The least time between two evaluations of a topic. */
const intervalMs = 250

/** The topics of a read model, and when each that may have changed is due. */
export type DueTopics = {
  add: (feed: Feed) => void
  remove: (feed: Feed) => void
  isEmpty: () => boolean
  /** A topic may have changed, or each that fits. */
  touch: (feed: Feed) => void
  touchEach: (fits: (feed: Feed) => boolean) => void
  /** Takes a topic that is due; undefined: none is. Its next turn comes when it is touched again, and no sooner than `intervalMs`. */
  take: (nowMs: number) => Feed | undefined
  /** When the next topic is due; null: all have their newest value. */
  nextAtMs: () => number | null
  /** The topics that may have changed. */
  waiting: () => Iterable<Feed>
}

export function dueTopics(): DueTopics {
  /** When each topic was taken last. */
  const takenAtMs = new Map<Feed, number>()
  const dueAtMs = new Map<Feed, number>()
  const touch = (feed: Feed): void => {
    const taken = takenAtMs.get(feed)
    if (taken !== undefined) dueAtMs.set(feed, taken + intervalMs)
  }
  return {
    add(feed) {
      takenAtMs.set(feed, -Infinity)
      touch(feed)
    },
    remove(feed) {
      takenAtMs.delete(feed)
      dueAtMs.delete(feed)
    },
    isEmpty: () => takenAtMs.size === 0,
    touch,
    touchEach(fits) {
      for (const feed of takenAtMs.keys()) if (fits(feed)) touch(feed)
    },
    take(nowMs) {
      for (const [feed, atMs] of dueAtMs) {
        if (atMs > nowMs) continue
        dueAtMs.delete(feed)
        takenAtMs.set(feed, nowMs)
        return feed
      }
      return undefined
    },
    nextAtMs: () => (dueAtMs.size === 0 ? null : Math.min(...dueAtMs.values())),
    waiting: () => dueAtMs.keys(),
  }
}
