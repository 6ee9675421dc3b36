import { beginning, justBefore } from '../../events/identifiers.ts'
import type { EventLog } from '../../events/log/log.ts'
import { applyEvents, type Target } from './apply.ts'
import { beforeFirst, checkpointAt, readGapless, type Checkpoint } from './checkpoint.ts'
import type { RebuildLease } from './lease-rows.ts'
import { ProjectionError } from './projection-error.ts'
import { schemaOf } from './generations.ts'
import { applyHandled, type Projection } from './projection.ts'
import { abandonRebuild, leaseRebuild, newerProgram, type Rebuilder } from './rebuild-lease.ts'
import type { ReadModelStore } from './store.ts'

export type RebuildDependencies<T> = {
  log: Pick<EventLog, 'read' | 'head'>
  store: ReadModelStore<T>
  rebuilder: Rebuilder
  /** Milliseconds of a monotonic clock. */
  elapsedMs: () => number
}

/** `total`: events in the log when the rebuild started, or `done` if that is larger. */
export type RebuildProgress = { projection: string; done: number; total: number; perSecond: number }

export type Rebuilt = {
  projection: string
  generation: number
  events: number
  seconds: number
  eventsPerSecond: number
}

/** How long the swap waits for readers of the old generation before it yields to newer readers and retries. */
const swapWaitMs = 2_000
const maxSwapTries = 15

/**
 * Rebuilds a projection from the whole log, next to the generation that serves. Then one transaction applies the events that
 * arrived meanwhile, points queries at the new generation and drops the old one. After a failure the old one keeps serving.
 * Throws ProjectionError (`rebuild_running`, `rebuild_lost`, `sequence_gap`, `poison_event`, `projection_of_newer_program`),
 * UnreadableEvent, what the stores throw, and the signal's reason.
 */
export async function rebuild<T>(
  { log, store, rebuilder, elapsedMs }: RebuildDependencies<T>,
  projection: Projection<T>,
  { onProgress, signal }: { onProgress?: (progress: RebuildProgress) => void; signal?: AbortSignal } = {},
): Promise<Rebuilt> {
  const startedMs = elapsedMs()
  const lease = await leaseRebuild(store, projection, rebuilder)
  const { name } = projection
  const seconds = () => Math.max(0.001, (elapsedMs() - startedMs) / 1000)
  try {
    const total = await newestSequence(log)
    const report = ({ sequence }: Checkpoint) =>
      onProgress?.({
        projection: name,
        done: sequence,
        total: Math.max(total, sequence),
        perSecond: Math.round(sequence / seconds()),
      })
    let last = beforeFirst
    const applied = (to: Checkpoint) => {
      last = to
      report(to)
    }
    const target: Target<T> = {
      projection,
      schema: schemaOf(name, lease.generation),
      advance: (tx) => store.renewLease(tx, name, lease),
      applied,
    }
    const catchUp = async () => {
      for await (const events of readGapless(log, name, last)) {
        signal?.throwIfAborted()
        if (!(await applyEvents(store, target, last, events))) lost(name)
      }
    }
    report(last)
    for (let tries = 1; ; tries++) {
      await catchUp()
      signal?.throwIfAborted()
      const swapped = await swap(store, log, target, lease, last).catch((error: unknown) => {
        if (!isLockTimeout(error) || tries === maxSwapTries) throw error
      })
      if (!swapped) continue
      report(swapped)
      return {
        projection: name,
        generation: lease.generation,
        events: swapped.sequence,
        seconds: seconds(),
        eventsPerSecond: Math.round(swapped.sequence / seconds()),
      }
    }
  } catch (error) {
    // If this fails as well, the next rebuild finds the lease and cleans up.
    await abandonRebuild(store, name, lease).catch(() => undefined)
    throw error
  }
}

/** The last step: all of it becomes visible at once, or none of it. */
async function swap<T>(
  store: ReadModelStore<T>,
  log: Pick<EventLog, 'read'>,
  { projection, schema }: Target<T>,
  lease: RebuildLease,
  built: Checkpoint,
): Promise<Checkpoint> {
  const { name, version } = projection
  return store.transaction(async (tx) => {
    await store.limitWaiting(tx, swapWaitMs)
    if (!(await store.renewLease(tx, name, lease))) lost(name)
    // From here on no projector can advance the old generation, so queries cannot go back in time.
    const registered = await store.loadRegistered(tx, name, { forUpdate: true })
    if (registered && registered.version > version) throw newerProgram(name, registered.version, version)
    let last = built
    for await (const events of readGapless(log, name, last)) {
      await applyHandled(projection, tx, schema, events)
      const newest = events.at(-1)
      if (newest) last = checkpointAt(newest)
    }
    await store.serveGeneration(tx, projection, lease.generation)
    await store.register(tx, name, { version, generation: lease.generation, ...last })
    await store.releaseLease(tx, name, lease)
    await store.dropOtherGenerations(tx, name, lease.generation)
    return last
  })
}

/** The number of events in the log: the sequence of the newest one, 0 if there is none. */
export async function newestSequence(log: Pick<EventLog, 'read' | 'head'>): Promise<number> {
  const head = await log.head()
  if (head === beginning) return 0
  for await (const [event] of log.read({ after: justBefore(head), upTo: head })) return event?.sequence ?? 0
  return 0
}

function lost(name: string): never {
  throw new ProjectionError(
    'rebuild_lost',
    `another process has taken over the rebuild of ${name}; this one stopped writing`,
  )
}

const lockNotAvailable = '55P03'
const isLockTimeout = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === lockNotAvailable
