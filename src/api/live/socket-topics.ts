import type { Position } from '../../events/identifiers.ts'
import type { Identity } from '../access/identity.ts'
import { maxTopicsPerSocket, type ServerFrame } from '../chat/frames.ts'
import type { Subscriber, TopicFrame } from './feed.ts'
import type { LiveTopics } from './live-topics.ts'
import { parseTopic, type Topic, type TopicFault } from './topic.ts'

/** The subscriptions of one socket. */
export type SocketTopics = {
  /**
   * Subscribes to topics, each from its newest value on, or from the first value after a position that the client has seen. Sends an
   * `error` frame for each that it cannot have. A topic that the socket follows already begins anew.
   */
  subscribe: (asked: { topics: readonly string[]; after?: Position | undefined }) => Promise<void>
  unsubscribe: (topics: readonly string[]) => Promise<void>
  end: () => void
}

type Send = (frame: ServerFrame | Buffer) => Promise<void>
type Refusal = Omit<TopicFault, 'code'> & { code: TopicFault['code'] | 'too_many_topics' }

/** The key of an error about a topic; no topic begins so. */
const errorOf = (topic: string): string => `!${topic}`

/** A client that reads slowly gets the newest value of each topic, never a queue of older ones. */
export function socketTopics(live: LiveTopics, identity: Identity, send: Send): SocketTopics {
  const followed = new Map<string, () => void>()
  /** By topic. A value takes the place of all before it; an error comes after the value. */
  const unsent = new Map<string, TopicFrame>()
  let isSending = false
  let isOver = false

  async function sendAll(): Promise<void> {
    isSending = true
    for (let [next] = unsent; next; [next] = unsent) {
      unsent.delete(next[0])
      await send(next[1])
    }
    isSending = false
  }

  function leave(topic: string): void {
    followed.get(topic)?.()
    followed.delete(topic)
    unsent.delete(topic)
    unsent.delete(errorOf(topic))
  }

  function follow(text: string, after: Position | null): Refusal | null {
    leave(text)
    if (followed.size >= maxTopicsPerSocket)
      return { code: 'too_many_topics', message: `a socket follows at most ${maxTopicsPerSocket} topics` }
    const topic = parseTopic(text, identity)
    if ('fault' in topic) return topic.fault
    const end =
      'filters' in topic ? live.followEvents({ ...topic, after, send }, identity.subject) : subscribe(topic, after)
    if (!end) return { code: 'too_many_topics', message: 'too many topics are followed' }
    followed.set(text, end)
    return null
  }

  function subscribe(topic: Topic, after: Position | null): (() => void) | null {
    const { text } = topic
    const subscriber: Subscriber = {
      after,
      take(frame) {
        unsent.delete(errorOf(text))
        unsent.set(Buffer.isBuffer(frame) ? text : errorOf(text), frame)
        if (!isSending) void sendAll()
      },
    }
    return live.subscribe(topic, identity.subject, subscriber)
  }

  return {
    async subscribe({ topics, after }) {
      for (const topic of topics) {
        if (isOver) return
        const refusal = follow(topic, after ?? null)
        if (refusal) await send({ type: 'error', topic, ...refusal })
      }
    },
    async unsubscribe(topics) {
      for (const topic of topics) leave(topic)
    },
    end() {
      isOver = true
      for (const topic of [...followed.keys()]) leave(topic)
    },
  }
}
