import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import { comparePositions, type Position } from '../../events/identifiers.ts'
import type { LogReader } from '../../events/log/log.ts'
import type { LogTail } from '../../events/log/read/tail.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { eventFrames, type EventFrames, type EventTopic } from './event-frames.ts'
import type { TopicFrame } from './feed.ts'

export type FollowedLog = { log: Pick<LogReader, 'read'>; tail: Pick<LogTail, 'listenToAll' | 'position'> }

export type EventSubscription = EventTopic & {
  /** The last event that the client knows of; null: it begins now. */
  after: Position | null
  /** Resolves when the frame has left. */
  send: (frame: TopicFrame) => Promise<void>
}

/** Between two frames of new events, or two tries to read those that were missed. */
const intervalMs = 250
/** A client that lacks more events than this reads them with `GET /v1/events`. */
const maxMissed = 10_000
/** New events that wait for a slow reader. If there are more, they are read from the log once it has taken these. */
const maxWaiting = 1_000

/**
 * Sends each event that matches, once and in the order of the log. Without `after`, the first frame says where it begins. What a slow
 * reader or a lost connection has missed is read from the log again. Returns the function that ends it.
 */
export function followEvents(followed: FollowedLog, { after, send, ...topic }: EventSubscription): () => void {
  const { tail } = followed
  const sendWhileOpen = (frame: TopicFrame): Promise<void> => (isOver ? Promise.resolve() : send(frame))
  const frames = eventFrames(topic, after ?? tail.position(), sendWhileOpen)
  let waiting: AnyRecordedEvent[] = []
  let isBehind = after !== null
  let isRunning = false
  let isOver = false
  let hasFailed = false

  const stopListening = tail.listenToAll((events) => {
    if (!isBehind) waiting.push(...events)
    if (waiting.length > maxWaiting) {
      waiting = []
      isBehind = true
    }
    if (!isRunning) void run()
  })
  const end = (): void => {
    isOver = true
    stopListening()
  }

  async function run(): Promise<void> {
    isRunning = true
    while (!isOver && (isBehind || waiting.length > 0)) {
      if (isBehind) await recover()
      else await frames.pass(waiting.splice(0))
      if (!isOver) await new Promise((resolve) => setTimeout(resolve, intervalMs).unref())
    }
    isRunning = false
  }

  async function recover(): Promise<void> {
    try {
      const outcome = await catchUp(followed, frames, () => isOver)
      if (outcome === 'too_far_behind') return await refuse()
      // The tail may have handed events over since then, which were not kept: they must be read too.
      isBehind = comparePositions(tail.position(), frames.reached()) > 0
      if (isBehind) return
      if (hasFailed) await frames.mark()
      hasFailed = false
    } catch (error) {
      if (!hasFailed) await sendWhileOpen(fault('log_unavailable', `the log cannot be read: ${messageOf(error)}`))
      hasFailed = true
    }
  }

  async function refuse(): Promise<void> {
    await sendWhileOpen(fault('too_far_behind', `over ${maxMissed} events have passed: read them with GET /v1/events`))
    end()
  }
  const fault = (code: string, message: string): TopicFrame => ({ type: 'error', code, message, topic: topic.text })

  if (isBehind) void run()
  else void frames.mark()
  return end
}

/** Sends the events that were missed, until nothing is left between them and those that the tail hands over. */
async function catchUp(
  { log, tail }: FollowedLog,
  frames: EventFrames,
  isOver: () => boolean,
): Promise<'caught_up' | 'too_far_behind'> {
  let missed = 0
  for (let upTo = tail.position(); comparePositions(upTo, frames.reached()) > 0; upTo = tail.position()) {
    const before = frames.reached()
    for await (const page of log.read({ after: before, upTo })) {
      missed += page.length
      if (missed > maxMissed) return 'too_far_behind'
      await frames.pass(page)
      if (isOver()) return 'caught_up'
    }
    if (frames.reached() === before) break
  }
  return 'caught_up'
}
