import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { isPostgresOutage } from '../../platform/postgres/postgres.ts'
import { checkpointAt, type Checkpoint } from './checkpoint.ts'
import { ProjectionError } from './projection-error.ts'
import { applyHandled, type Projection } from './projection.ts'
import type { ReadModelStore } from './store.ts'

/** The tables that events are applied to, and the right to write to them. */
export type Target<T> = {
  projection: Projection<T>
  schema: string
  /**
   * Records the progress of the tables. In a transaction it is called first, and locks out other writers until the end. False:
   * another writer has taken over, and nothing may be written.
   */
  advance: (tx: T, from: Checkpoint, to: Checkpoint) => Promise<boolean>
  /** Called after every commit: these events stay applied even if a later part of the batch fails. */
  applied: (to: Checkpoint) => void
}

type ApplyingStore<T> = Pick<ReadModelStore<T>, 'transaction' | 'isTransactional'>

/** The projection itself threw, in an otherwise healthy transaction. */
class ApplyFailed extends Error {}

/**
 * Applies events and advances, as one unit. Undefined: `advance` returned false. Finds an event that cannot be applied by
 * halving the batch, which applies everything before it, and throws ProjectionError `poison_event` for it. Rethrows other errors,
 * such as an unreachable database.
 */
export async function applyEvents<T>(
  store: ApplyingStore<T>,
  target: Target<T>,
  from: Checkpoint,
  events: readonly AnyRecordedEvent[],
): Promise<Checkpoint | undefined> {
  const last = events.at(-1)
  if (!last) return from
  try {
    return await applyAsUnit(store, target, from, events, last)
  } catch (error) {
    if (!(error instanceof ApplyFailed)) throw error
    if (events.length === 1) return applyAgain(store, target, from, last)
    const middle = events.length >> 1
    const halfway = await applyEvents(store, target, from, events.slice(0, middle))
    return halfway && applyEvents(store, target, halfway, events.slice(middle))
  }
}

/** A connection that breaks in the middle looks like a failing projection, but not twice at the same event. */
async function applyAgain<T>(
  store: ApplyingStore<T>,
  target: Target<T>,
  from: Checkpoint,
  event: AnyRecordedEvent,
): Promise<Checkpoint | undefined> {
  try {
    return await applyAsUnit(store, target, from, [event], event)
  } catch (error) {
    if (!(error instanceof ApplyFailed)) throw error
    const { type, sequence, position } = event
    const why = messageOf(error.cause)
    throw new ProjectionError(
      'poison_event',
      `${target.projection.name} cannot apply event number ${sequence} (${type} at ${position}): ${why}`,
      { at: position, cause: error.cause },
    )
  }
}

async function applyAsUnit<T>(
  store: ApplyingStore<T>,
  target: Target<T>,
  from: Checkpoint,
  events: readonly AnyRecordedEvent[],
  last: AnyRecordedEvent,
): Promise<Checkpoint | undefined> {
  const { projection, schema, advance, applied } = target
  const to = checkpointAt(last)
  const isTransactional = store.isTransactional ?? true
  const isApplied = await store.transaction(async (tx) => {
    if (isTransactional && !(await advance(tx, from, to))) return false
    try {
      await applyHandled(projection, tx, schema, events)
    } catch (cause) {
      if (isTransient(cause)) throw cause
      throw new ApplyFailed('the projection failed', { cause })
    }
    // Without a transaction the checkpoint follows the events: after a crash they are applied again, never skipped.
    return isTransactional || advance(tx, from, to)
  })
  if (!isApplied) return undefined
  applied(to)
  return to
}

/** SQLSTATE classes of transient errors: connection, rollback by the server, resources, lock not available, operator intervention. */
const transient = /^(08|40|53|55|57)/

const isTransient = (error: unknown): boolean =>
  isPostgresOutage(error) ||
  (error instanceof Error && 'code' in error && typeof error.code === 'string' && transient.test(error.code))
