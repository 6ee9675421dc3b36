import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import { comparePositions, justBefore, Position } from '../../events/identifiers.ts'
import { LogStopped, type EventLog, type LogStopCode } from '../../events/log/log.ts'
import { UnreadableEvent, type EventFaultCode } from '../../events/upcast.ts'
import type { Logger } from '../../platform/logger.ts'
import { supervise, type Pause } from '../../platform/backoff.ts'
import type { OutageCode } from '../../platform/outage.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { applyEvents, type Target } from './apply.ts'
import { assertGapless, assertInLog, type Checkpoint, type Registered } from './checkpoint.ts'
import { ProjectionError, type ProjectionFaultCode } from './projection-error.ts'
import { schemaOf } from './generations.ts'
import type { Projection } from './projection.ts'
import { rebuild } from './rebuild.ts'
import { newerProgram, type Rebuilder } from './rebuild-lease.ts'
import type { ReadModelStore } from './store.ts'

type SubscriptionFaultCode = ProjectionFaultCode | EventFaultCode | LogStopCode | OutageCode

/** The state of one projection in this process. `notify` is called after every change. */
export type Subscription<T> = {
  readonly projection: Projection<T>
  /** Undefined until it is first read. */
  checkpoint: Checkpoint | undefined
  state: 'running' | 'waiting' | 'stopped'
  fault: { code: SubscriptionFaultCode; message: string } | undefined
  readonly notify: () => void
}

type ProjectedLog = Pick<EventLog, 'read' | 'follow' | 'head'>

export type SubscriptionDependencies<T> = {
  log: ProjectedLog
  store: ReadModelStore<T>
  rebuilder: Rebuilder
  /** Milliseconds of a monotonic clock. */
  elapsedMs: () => number
  logger: Logger
  pause: Pause
}

/** Keeps one projection up to date until the signal aborts or a fault stops it that does not pass by itself. Never rejects. */
export async function runSubscription<T>(
  dependencies: SubscriptionDependencies<T>,
  subscription: Subscription<T>,
  signal: AbortSignal,
): Promise<void> {
  const logger = dependencies.logger.child({ projection: subscription.projection.name })
  const become = (state: Subscription<T>['state'], fault?: Subscription<T>['fault']) => {
    Object.assign(subscription, { state, fault })
    subscription.notify()
  }
  await supervise(
    {
      pause: dependencies.pause,
      async run(progressed) {
        const registered = await prepare(dependencies, subscription, signal)
        become('running')
        await follow(dependencies, subscription, registered, signal, progressed)
      },
      onFailure(error, pauseMs) {
        const message = messageOf(error)
        if (
          error instanceof UnreadableEvent ||
          error instanceof LogStopped ||
          (error instanceof ProjectionError && error.code !== 'rebuild_running')
        ) {
          become('stopped', { code: error.code, message })
          logger.error(
            { err: error, code: error.code, ...('at' in error && { at: error.at }) },
            'the projection stopped',
          )
          return 'stop'
        }
        become('waiting', { code: error instanceof ProjectionError ? error.code : 'store_unreachable', message })
        logger.warn({ err: error, pauseMs }, 'the projection waits')
        return 'retry'
      },
    },
    signal,
  )
}

/** Ensures that tables of this version exist and belong to this log. Returns their checkpoint. */
async function prepare<T>(
  { log, store, rebuilder, elapsedMs, logger }: SubscriptionDependencies<T>,
  subscription: Subscription<T>,
  signal: AbortSignal,
): Promise<Registered> {
  const { projection } = subscription
  const { name, version } = projection
  await store.migrate()
  let registered = await store.transaction((tx) => store.loadRegistered(tx, name))
  if (registered && registered.version > version) throw newerProgram(name, registered.version, version)
  if (!registered || registered.version < version) {
    const { generation, events, seconds } = await rebuild({ log, store, rebuilder, elapsedMs }, projection, { signal })
    logger.info({ projection: name, version, generation, events, seconds }, 'the projection was built')
    registered = await store.transaction((tx) => store.loadRegistered(tx, name))
    if (!registered) throw new Error(`the projection ${name} has vanished`)
  }
  subscription.checkpoint = registered
  await assertInLog(log, name, registered)
  return registered
}

/** Applies the log from a checkpoint on. Returns when another process has replaced the generation; the subscription then starts again. */
async function follow<T>(
  { log, store }: SubscriptionDependencies<T>,
  subscription: Subscription<T>,
  from: Registered,
  signal: AbortSignal,
  onProgress: () => void,
): Promise<void> {
  const { projection } = subscription
  const { name } = projection
  const { generation } = from
  let current: Checkpoint = from
  const moveTo = (to: Checkpoint) => {
    current = to
    subscription.checkpoint = to
    onProgress()
    subscription.notify()
  }
  const target: Target<T> = {
    projection,
    schema: schemaOf(name, generation),
    advance: (tx, before, to) => store.moveCheckpoint(tx, name, generation, before, to),
    applied: moveTo,
  }
  for await (const page of everything(log, from.position, signal)) {
    for (;;) {
      // By position, not by sequence: a log restored with fewer events continues above its old positions, and reuses sequences.
      const { position } = current
      const events = page.filter((event) => comparePositions(event.position, position) > 0)
      if (events.length === 0) break
      await assertFollows(log, name, current, events)
      if (await applyEvents(store, target, current, events)) break
      const elsewhere = await store.transaction((tx) => store.loadRegistered(tx, name))
      if (elsewhere?.generation !== generation || elsewhere.sequence < current.sequence) return
      moveTo(elsewhere)
    }
  }
}

/** Throws `checkpoint_not_in_log` or `sequence_gap` unless these are the events that come next. */
async function assertFollows(
  log: ProjectedLog,
  name: string,
  current: Checkpoint,
  events: readonly AnyRecordedEvent[],
): Promise<void> {
  try {
    assertGapless(name, current, events)
  } catch (gap) {
    await assertInLog(log, name, current)
    throw gap
  }
}

/** The events after a position, then new ones as they arrive. Yields the events before an unreadable one before it throws. */
async function* everything(
  log: ProjectedLog,
  after: Position,
  signal: AbortSignal,
): AsyncGenerator<AnyRecordedEvent[]> {
  let last = after
  const passOn = async function* (pages: AsyncGenerator<AnyRecordedEvent[]>) {
    for await (const events of pages) {
      if (signal.aborted) return
      yield events
      last = events.at(-1)?.position ?? last
    }
  }
  try {
    yield* passOn(log.read({ after }))
    yield* passOn(log.follow(last, signal))
  } catch (error) {
    if (error instanceof UnreadableEvent)
      yield* passOn(log.read({ after: last, upTo: justBefore(Position.parse(error.at)) }))
    throw error
  }
}
