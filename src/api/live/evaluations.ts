import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import type { Position } from '../../events/identifiers.ts'
import type { LogTail } from '../../events/log/read/tail.ts'
import type { Logger } from '../../platform/logger.ts'
import type { ReadModelReader } from '../../projections/engine/read-model-reader.ts'
import { promptAskers } from './askers.ts'
import { dueTopics } from './due-topics.ts'
import type { Feed, FeedFault } from './feed.ts'
import type { Topic } from './topic.ts'

export type EvaluationDependencies = {
  read: ReadModelReader
  tail: Pick<LogTail, 'listenToAll' | 'position'>
  logger: Pick<Logger, 'error'>
  /** Monotonic. */
  elapsedMs: () => number
}

/** Evaluations take at most this share of the time, so that many topics do not take the database from others. */
const busyShare = 0.05
/** But they never pause for longer because of it. */
const maxPauseMs = 2_000
/** After a fault of the read model. */
const retryMs = 1_000

/** Evaluates the topics of one read model: those that an event may have changed, one after the other. */
export type Evaluations = { add: (feed: Feed) => void; remove: (feed: Feed) => void }

/**
 * A topic is evaluated after an event that its read model handles, unless it shows one person's prompts and the event is about another's, at the position of that event or later: the read model may be
 * projected by another process. Nothing happens while there is no such event. A read model that cannot be read is tried again every
 * second until all topics have their newest value.
 */
export function evaluations(readModel: Topic['readModel'], dependencies: EvaluationDependencies): Evaluations {
  const { tail, elapsedMs } = dependencies
  const topics = dueTopics()
  const askers = promptAskers()
  const alarm = createAlarm()
  let after: Position | null = null
  let notBeforeMs = 0
  let isRunning = false
  /** Of the read model, while it lasts. */
  let fault: FeedFault | null = null
  let stopListening: (() => void) | undefined

  const evaluate = (feed: Feed, position: Position | null) => evaluateOnce(readModel, dependencies, feed, position)
  const start = (): void => {
    if (isRunning) alarm.ring()
    else void run()
  }

  function take(events: readonly AnyRecordedEvent[]): void {
    askers.learn(events)
    const handled = events.filter(({ type }) => readModel.handles?.has(type) ?? true)
    const last = handled.at(-1)
    if (!last) return
    after = last.position
    const concerned = askers.of(handled)
    topics.touchEach(({ topic: { asker } }) => !concerned || asker === null || concerned.has(asker))
    start()
  }

  async function run(): Promise<void> {
    isRunning = true
    for (let atMs = topics.nextAtMs(); atMs !== null; atMs = topics.nextAtMs()) {
      const waitMs = Math.max(notBeforeMs, atMs) - elapsedMs()
      await (waitMs > 0 ? alarm.after(waitMs) : evaluateDue(elapsedMs()))
    }
    isRunning = false
  }

  async function evaluateDue(nowMs: number): Promise<void> {
    let busyMs = 0
    for (let feed = topics.take(nowMs); feed; feed = topics.take(nowMs)) {
      const evaluated = await evaluate(feed, after)
      busyMs += evaluated.busyMs
      fault = evaluated.fault
      if (!fault) continue
      topics.touch(feed)
      await excuse(fault)
      notBeforeMs = elapsedMs() + retryMs
      return
    }
    notBeforeMs = elapsedMs() + Math.min(maxPauseMs, busyMs / busyShare - busyMs)
  }

  /** Says that the topics that wait have no newer value for now. Those without any get the one that there is. */
  async function excuse(current: FeedFault): Promise<void> {
    for (const feed of topics.waiting()) {
      if (current.code === 'read_model_behind' && feed.isNew()) await evaluate(feed, null)
      feed.fail(current)
    }
  }

  return {
    add(feed) {
      stopListening ??= tail.listenToAll(take)
      // The first value reflects all that this process knows of.
      if (topics.isEmpty()) after = tail.position()
      topics.add(feed)
      if (fault) feed.fail(fault)
      start()
    },
    remove(feed) {
      topics.remove(feed)
      if (!topics.isEmpty()) return
      stopListening?.()
      stopListening = undefined
    },
  }
}

/** `busyMs`: how long the work took, without the wait for the read model. `fault`: that of the read model, which all its topics share. */
type Evaluated = { busyMs: number; fault: FeedFault | null }

/** Evaluates a topic at a position or later. Never rejects. */
async function evaluateOnce(
  readModel: Topic['readModel'],
  { read, logger, elapsedMs }: EvaluationDependencies,
  { topic, publish, fail }: Feed,
  after: Position | null,
): Promise<Evaluated> {
  let begunAtMs = elapsedMs()
  let fault: FeedFault | null = null
  try {
    const answered = await read(readModel, after, (tx) => {
      begunAtMs = elapsedMs()
      return topic.answer(tx)
    })
    if (answered.outcome === 'read') await publish(answered.position, answered.result)
    else if (answered.outcome === 'behind')
      fault = { code: 'read_model_behind', message: `the read model is at ${answered.position}` }
    else fault = { code: 'read_model_unavailable', message: `read models: ${answered.message}` }
  } catch (error) {
    logger.error({ err: error, topic: topic.text }, 'a topic could not be evaluated')
    fail({ code: 'internal', message: 'the server failed; its log has the cause' })
  }
  return { busyMs: elapsedMs() - begunAtMs, fault }
}

/** A wait that ends after a time, or when it rings. */
function createAlarm(): { after: (ms: number) => Promise<void>; ring: () => void } {
  let ring = (): void => undefined
  return {
    ring: () => ring(),
    after: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms)
        timer.unref()
        ring = () => {
          clearTimeout(timer)
          resolve()
        }
      }),
  }
}
