import { pauseFor } from '../../platform/backoff.ts'
import { comparePositions, type Position } from '../../events/identifiers.ts'
import type { Checkpoint } from './checkpoint.ts'
import { runSubscription, type SubscriptionDependencies, type Subscription } from './subscription.ts'
import { postgresStore } from './postgres-store.ts'
import type { Database, Projection, Tx } from './projection.ts'
import type { Rebuilder } from './rebuild-lease.ts'
import { newestSequence } from './rebuild.ts'
import { thisProcess } from './this-process.ts'

export type ProjectorDependencies = Pick<SubscriptionDependencies<Tx>, 'log' | 'logger'> & {
  database: Database
  projections: readonly Projection[]
  /** Replaced in tests. */
  rebuilder?: Rebuilder
  elapsedMs?: () => number
  pause?: SubscriptionDependencies<Tx>['pause']
}

/** Where a read model is, and how it is. */
export type ProjectionStatus = {
  name: string
  /** The newest event that queries see. */
  position: Position
  sequence: number
  /** Events in the log that queries do not see yet. */
  lag: number
  /** `waiting`: a store is away, or the read model is being built; it goes on by itself. `stopped`: somebody must do what `message` says. */
  state: 'running' | 'waiting' | 'stopped'
  code?: string
  message?: string
}

export type Projector = {
  status: () => ProjectionStatus[]
  /**
   * Read your writes: resolves when queries see everything up to a position. `given_up`: the signal aborted first;
   * `stopped`: a projection will not get there without help.
   */
  waitFor: (
    position: Position,
    signal: AbortSignal,
    projections?: readonly string[],
  ) => Promise<'reached' | 'given_up' | 'stopped'>
  /** Ends after the batches in hand; nothing is lost. */
  stop: () => Promise<void>
}

const headIntervalMs = 1_000

/**
 * Keeps read models up with the log, each with a checkpoint of its own in the transaction of its own tables: effectively once,
 * whatever dies when. Brings the schema up to date, and builds read models that are missing or of an older version.
 * Returns at once; stores that are away are waited for.
 */
export function startProjector({
  log,
  database,
  projections,
  logger,
  rebuilder = thisProcess,
  elapsedMs = () => performance.now(),
  pause = pauseFor,
}: ProjectorDependencies): Projector {
  const store = postgresStore(database)
  const abort = new AbortController()
  const changed = new Set<() => void>()
  let head = 0
  const notify = () => {
    for (const look of [...changed]) look()
  }
  const lives = projections.map((projection): Subscription<Tx> => ({
    projection,
    checkpoint: undefined,
    state: 'waiting',
    fault: undefined,
    notify,
  }))
  const loops = lives.map((life) =>
    runSubscription({ log, store, logger, rebuilder, elapsedMs, pause }, life, abort.signal),
  )

  let looking = false
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    // While Redis is away the last known head stands; the projections say that they wait.
    void newestSequence(log)
      .then(
        (sequence) => void (head = sequence),
        () => undefined,
      )
      .finally(() => void (looking = false))
  }, headIntervalMs)
  timer.unref()

  return {
    status: () =>
      lives.map((life) => statusOf(life, Math.max(head, ...lives.map(({ checkpoint }) => checkpoint?.sequence ?? 0)))),

    waitFor: (position, signal, names) =>
      new Promise((resolve) => {
        const awaited = lives.filter(({ projection }) => names?.includes(projection.name) ?? true)
        const settle = (outcome: 'reached' | 'given_up' | 'stopped') => {
          changed.delete(look)
          signal.removeEventListener('abort', look)
          resolve(outcome)
        }
        const look = () => {
          if (awaited.every(({ checkpoint }) => hasReached(checkpoint, position))) settle('reached')
          else if (
            abort.signal.aborted ||
            awaited.some((life) => life.state === 'stopped' && !hasReached(life.checkpoint, position))
          )
            settle('stopped')
          else if (signal.aborted) settle('given_up')
        }
        changed.add(look)
        signal.addEventListener('abort', look)
        look()
      }),

    async stop() {
      abort.abort()
      clearInterval(timer)
      await Promise.all(loops)
      notify()
    },
  }
}

const hasReached = (checkpoint: Checkpoint | undefined, position: Position): boolean =>
  checkpoint !== undefined && comparePositions(checkpoint.position, position) >= 0

function statusOf(
  { projection: { name }, checkpoint, state, fault }: Subscription<Tx>,
  head: number,
): ProjectionStatus {
  const { position, sequence } = checkpoint ?? { position: '0-0' as Position, sequence: 0 }
  return { name, position, sequence, lag: Math.max(0, head - sequence), state, ...fault }
}
