import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import { comparePositions, type Position } from '../../events/identifiers.ts'
import type { EventLog } from '../../events/log/log.ts'

type FollowedLog = Pick<EventLog, 'read' | 'follow' | 'head'>

/** Pages that the shared reader has handed to one follower and that it has not taken yet. */
type Inbox = { pages: AnyRecordedEvent[][]; isOverfull: boolean; changed: PromiseWithResolvers<void> }

/** One reader of the log, from its first follower on until its last one leaves or the log fails. `at`: how far it has read. */
type SharedReader = {
  inboxes: Set<Inbox>
  abort: AbortController
  at: Position
  ended: { failure?: unknown } | undefined
}

const maxWaitingPages = 8

/**
 * A log whose followers share one reader: each event is read and parsed once and handed to every follower. A follower that
 * joins late, or that falls more than `maxWaitingPages` behind, reads on its own until it has caught up.
 */
export function sharedFollow(log: FollowedLog): FollowedLog {
  let current: SharedReader | undefined

  function open(after: Position): SharedReader {
    const reader: SharedReader = { inboxes: new Set(), abort: new AbortController(), at: after, ended: undefined }
    void pump(reader, after)
    return reader
  }

  async function pump(reader: SharedReader, after: Position): Promise<void> {
    try {
      for await (const page of log.follow(after, reader.abort.signal)) {
        reader.at = page.at(-1)?.position ?? reader.at
        for (const inbox of reader.inboxes) deliver(inbox, page)
      }
      reader.ended = {}
    } catch (failure) {
      reader.ended = { failure }
    }
    if (current === reader) current = undefined
    for (const inbox of reader.inboxes) inbox.changed.resolve()
  }

  function leave(reader: SharedReader, inbox: Inbox): void {
    reader.inboxes.delete(inbox)
    if (reader.inboxes.size > 0) return
    reader.abort.abort()
    if (current === reader) current = undefined
  }

  /** The pages that bring a late follower, which is at `last()`, to the point at which it joined the reader. */
  async function* ownPages(last: () => Position, joinedAt: Position, signal: AbortSignal) {
    const isBehind = () => comparePositions(last(), joinedAt) < 0
    if (isBehind()) yield* log.read({ after: last() })
    // A log that has lost its tail ends before that point. It may be restored, while the reader goes on behind the tail.
    if (!isBehind()) return
    for await (const page of log.follow(last(), signal)) {
      yield page
      if (!isBehind()) return
    }
  }

  return {
    read: (options) => log.read(options),
    head: () => log.head(),

    async *follow(after, signal) {
      let last = after
      while (!signal.aborted) {
        const reader = (current ??= open(last))
        const inbox: Inbox = { pages: [], isOverfull: false, changed: Promise.withResolvers() }
        reader.inboxes.add(inbox)
        const own = ownPages(() => last, reader.at, signal)
        const wake = () => inbox.changed.resolve()
        signal.addEventListener('abort', wake)
        try {
          // After joining: no event can fall between the pages read here and those in the inbox.
          for (const source of [own, take(reader, inbox, signal)])
            for await (const page of source) {
              const position = last
              const news = page.filter((event) => comparePositions(event.position, position) > 0)
              last = news.at(-1)?.position ?? last
              if (news.length > 0) yield news
              if (signal.aborted) return
            }
        } finally {
          signal.removeEventListener('abort', wake)
          leave(reader, inbox)
        }
      }
    },
  }
}

function deliver(inbox: Inbox, page: AnyRecordedEvent[]): void {
  if (inbox.pages.length >= maxWaitingPages) inbox.isOverfull = true
  if (!inbox.isOverfull) inbox.pages.push(page)
  inbox.changed.resolve()
}

/** The pages of an inbox, until the signal aborts or the follower has fallen behind. Throws the failure of the log. */
async function* take(
  reader: SharedReader,
  inbox: Inbox,
  signal: AbortSignal,
): AsyncGenerator<AnyRecordedEvent[], void, undefined> {
  while (!signal.aborted) {
    const page = inbox.pages.shift()
    if (page) yield page
    else if (inbox.isOverfull) return
    else if (reader.ended) {
      if ('failure' in reader.ended) throw reader.ended.failure
      return
    } else {
      await inbox.changed.promise
      inbox.changed = Promise.withResolvers()
    }
  }
}
