import { pauseFor } from '../../platform/backoff.ts'
import { comparePositions, type Position } from '../../events/identifiers.ts'
import { watchHead } from '../../events/log/read/watch-head.ts'
import { beforeFirst, type Checkpoint } from './checkpoint.ts'
import { runSubscription, type SubscriptionDependencies, type Subscription } from './subscription.ts'
import { postgresStore } from './postgres-store.ts'
import type { Database, Projection, Tx } from './projection.ts'
import type { Rebuilder } from './rebuild-lease.ts'
import { newestSequence } from './rebuild.ts'
import { sharedFollow } from './shared-follow.ts'
import { thisProcess } from './this-process.ts'

export type ProjectorDependencies = Pick<SubscriptionDependencies<Tx>, 'log' | 'logger'> & {
  database: Database
  projections: readonly Projection[]
  /** Replaced in tests. */
  rebuilder?: Rebuilder
  elapsedMs?: () => number
  pause?: SubscriptionDependencies<Tx>['pause']
}

/** The position and the state of a read model. */
export type ProjectionStatus = {
  name: string
  /** Position of the newest event that queries see. */
  position: Position
  sequence: number
  /** Events in the log that queries do not see yet. */
  lag: number
  /** `waiting`: a store is unreachable, or the read model is being built; it continues by itself. `stopped`: an operator must act on `message`. */
  state: 'running' | 'waiting' | 'stopped'
  code?: string
  message?: string
}

export type Projector = {
  status: () => ProjectionStatus[]
  /**
   * Read your writes: resolves when queries see everything up to a position. `given_up`: the signal aborted first;
   * `stopped`: a projection has stopped before it.
   */
  waitFor: (
    position: Position,
    signal: AbortSignal,
    projections?: readonly string[],
  ) => Promise<'reached' | 'given_up' | 'stopped'>
  /** Ends after the current batches; nothing is lost. */
  stop: () => Promise<void>
}

/**
 * Applies the log to read models. Each has its own checkpoint, which moves in the transaction of its tables: effectively once,
 * whatever dies when. All share one reader of the log. Migrates the schema, and builds read models that are missing or of an
 * older version. Returns at once, and retries unreachable stores.
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
  const shared = sharedFollow(log)
  const abort = new AbortController()
  const changed = new Set<() => void>()
  const head = watchHead(() => newestSequence(log))
  const notify = () => {
    for (const look of [...changed]) look()
  }
  const subscriptions = projections.map((projection): Subscription<Tx> => ({
    projection,
    checkpoint: undefined,
    state: 'waiting',
    fault: undefined,
    notify,
  }))
  const loops = subscriptions.map((subscription) =>
    runSubscription({ log: shared, store, logger, rebuilder, elapsedMs, pause }, subscription, abort.signal),
  )

  return {
    status: () =>
      subscriptions.map((subscription) =>
        statusOf(
          subscription,
          Math.max(head.sequence(), ...subscriptions.map(({ checkpoint }) => checkpoint?.sequence ?? 0)),
        ),
      ),

    waitFor: (position, signal, names) =>
      new Promise((resolve) => {
        const awaited = subscriptions.filter(({ projection }) => names?.includes(projection.name) ?? true)
        const settle = (outcome: 'reached' | 'given_up' | 'stopped') => {
          changed.delete(look)
          signal.removeEventListener('abort', look)
          resolve(outcome)
        }
        const look = () => {
          if (awaited.every(({ checkpoint }) => hasReached(checkpoint, position))) settle('reached')
          else if (
            abort.signal.aborted ||
            awaited.some(
              (subscription) => subscription.state === 'stopped' && !hasReached(subscription.checkpoint, position),
            )
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
      head.stop()
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
  const { position, sequence } = checkpoint ?? beforeFirst
  return { name, position, sequence, lag: Math.max(0, head - sequence), state, ...fault }
}
