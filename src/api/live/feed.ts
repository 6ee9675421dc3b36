import { setImmediate as nextTurn } from 'node:timers/promises'
import { comparePositions, type Position } from '../../events/identifiers.ts'
import type { ServerFrame } from '../chat/frames.ts'
import type { Topic } from './topic.ts'

/** Why a topic has no new value for now. */
export type FeedFault = {
  code: 'read_model_unavailable' | 'read_model_behind' | 'not_found' | 'topic_too_large' | 'internal'
  message: string
}

/** A frame about a topic, ready to be sent. Only the newest one about each topic matters. */
export type TopicFrame = Buffer | Extract<ServerFrame, { type: 'error' }>

/** One subscription of one socket. */
export type Subscriber = {
  /** The client has the value at this position: it gets later ones. Null: it has none. */
  after: Position | null
  take: (frame: TopicFrame) => void
}

type Value = { position: Position; frame: Buffer; body: Buffer }

/** The newest value of a topic, and the subscribers that share it. */
export type Feed = {
  topic: Topic
  add: (subscriber: Subscriber) => void
  remove: (subscriber: Subscriber) => void
  /** Bytes of its newest value. */
  size: () => number
  /** Whether it has no value yet. */
  isNew: () => boolean
  /** Sends a value to all subscribers, unless they have it. Serialises it once. */
  publish: (position: Position, value: object | null) => Promise<void>
  /** Tells all subscribers that there is no newer value for now, once for each fault. */
  fail: (fault: FeedFault) => void
}

/** The longest value of a topic. A list is made shorter by its parameter `limit`. */
const maxValueBytes = 4 * 1024 * 1024
/** Subscribers that get a value before others of the process have a turn: tokens of answers must not wait for all. */
const atOnce = 25

/** `onEmpty`: called when the last subscriber has left. */
export function createFeed(topic: Topic, onEmpty: () => void): Feed {
  const subscribers = new Set<Subscriber>()
  let newest: Value | null = null
  let fault: FeedFault | null = null

  const errorFrame = ({ code, message }: FeedFault): TopicFrame => ({ type: 'error', code, message, topic: topic.text })

  function give(subscriber: Subscriber, { position, frame }: Value): void {
    if (subscriber.after !== null && comparePositions(position, subscriber.after) <= 0) return
    subscriber.after = null
    subscriber.take(frame)
  }

  function fail(now: FeedFault): void {
    if (fault?.code === now.code) return
    fault = now
    for (const { take } of subscribers) take(errorFrame(now))
  }

  return {
    topic,
    add(subscriber) {
      subscribers.add(subscriber)
      if (fault) subscriber.take(errorFrame(fault))
      else if (newest) give(subscriber, newest)
    },
    remove(subscriber) {
      if (subscribers.delete(subscriber) && subscribers.size === 0) onEmpty()
    },
    size: () => newest?.frame.length ?? 0,
    isNew: () => newest === null,
    fail,
    async publish(position, value) {
      if (value === null) return fail({ code: 'not_found', message: topic.notFound })
      const body = Buffer.from(`${JSON.stringify(value)}}`)
      if (body.length > maxValueBytes)
        return fail({ code: 'topic_too_large', message: `the value is over ${maxValueBytes / 1024 ** 2} MiB` })
      if (newest && !fault && body.equals(newest.body)) return
      fault = null
      const head = `{"type":"change","topic":${JSON.stringify(topic.text)},"position":"${position}","value":`
      const frame = Buffer.concat([Buffer.from(head), body])
      const made: Value = { position, frame, body: frame.subarray(frame.length - body.length) }
      newest = made
      // Those who join meanwhile get the value as they join.
      for (const [index, subscriber] of [...subscribers].entries()) {
        if (index > 0 && index % atOnce === 0) await nextTurn()
        if (subscribers.has(subscriber)) give(subscriber, made)
      }
    },
  }
}
