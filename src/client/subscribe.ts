import type { ClientFrame } from '../api/chat/frames.ts'
import { framesUntil } from './answer.ts'
import { ConnectionLost } from './connection-lost.ts'
import type { Connection } from './connection.ts'
import { interrupted, reconnecting, type Reconnecting } from './reconnect.ts'

/**
 * The newest value of a topic, as `GET /v1/<topic>` answers at a position or later; of the topic `events`, the next events; or why there
 * is nothing new for now, with the code of the server's `error` frame. After a fault the next change ends it.
 */
export type Change = { topic: string } & (
  | { position: string; value: JsonObject }
  | { position: string; events: readonly JsonObject[] }
  | { code: string; message: string }
)
type JsonObject = Readonly<Record<string, unknown>>

/**
 * Changes of topics, over lost connections. It can be iterated by one loop at a time; after an error, a new loop goes on where the one
 * before ended.
 */
export type Subscription = AsyncIterable<Change> & {
  /** Follows another topic, also on the running connection. */
  add: (topic: string) => void
  /** Leaves a topic: nothing more of it comes. */
  remove: (topic: string) => void
}

type Position = NonNullable<Extract<ClientFrame, { type: 'subscribe' }>['after']>

/**
 * Follows topics until the signal aborts. `onLive` is called when all are followed, on each connection. A connection goes on after the
 * newest value of each topic that has come. Throws ClientError: the codes of `reconnecting`, and `interrupted`.
 */
export function followTopics(
  topics: readonly string[],
  dependencies: Reconnecting & { onLive: () => void },
): Subscription {
  /** The position of the newest value of each topic; null: none has come. */
  const followed = new Map<string, Position | null>(topics.map((topic) => [topic, null]))
  let current: Connection | undefined
  const follow = (topic: string, after: Position | null): void =>
    current?.send({ type: 'subscribe', topics: [topic], ...(after !== null && { after }) })

  return {
    add(topic) {
      if (followed.has(topic)) return
      followed.set(topic, null)
      follow(topic, null)
    },
    remove(topic) {
      if (followed.delete(topic)) current?.send({ type: 'unsubscribe', topics: [topic] })
    },
    [Symbol.asyncIterator]: () =>
      reconnecting(dependencies, async function* (connection, tries) {
        current = connection
        try {
          for (const [topic, after] of followed) follow(topic, after)
          // Its pong says that the server has taken all of them.
          connection.send({ type: 'ping' })
          for await (const { frame } of framesUntil(connection, dependencies.signal)) {
            tries.hasProgressed()
            if (frame?.type === 'restart') throw new ConnectionLost('the server restarts')
            if (frame?.type === 'pong') dependencies.onLive()
            if (frame?.type === 'error' && frame.topic !== undefined && followed.has(frame.topic)) {
              const { topic, code, message } = frame
              yield { topic, code, message }
            }
            if (frame?.type !== 'change' || !followed.has(frame.topic)) continue
            const { topic, position, value, events } = frame
            followed.set(topic, position)
            if (value) yield { topic, position, value }
            if (events) yield { topic, position, events }
          }
          throw interrupted()
        } finally {
          current = undefined
        }
      }),
  }
}
