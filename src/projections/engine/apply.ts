import type { RecordedEvent } from '../../events/event.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { isPostgresOutage } from '../../platform/postgres/postgres.ts'
import { checkpointAt, type Checkpoint } from './checkpoint.ts'
import { ProjectionError } from './projection-error.ts'
import { applyHandled, type Projection } from './projection.ts'
import type { ReadModelStore } from './store.ts'

/** The tables that events go into, and whoever may put them there. */
export type Target<T> = {
  projection: Projection<T>
  schema: string
  /**
   * Called first in every transaction: notes how far the tables are with it, and takes a lock that keeps others out until
   * it ends. False: somebody else has moved on, and nothing may be written.
   */
  advance: (tx: T, from: Checkpoint, to: Checkpoint) => Promise<boolean>
  /** Called after every commit: also when a later part of the batch fails, these events are in. */
  applied: (to: Checkpoint) => void
}

/** The projection itself threw, in a transaction that was otherwise in order. */
class ApplyFailed extends Error {}

/**
 * Applies events and advances, in one transaction. Undefined: `advance` said no, and nothing was done. An event that cannot
 * be taken is found by halving the batch, so that everything before it is applied; then ProjectionError `poison_event`
 * names it. Other errors (the database is away) are thrown as they are.
 */
export async function applyEvents<T>(
  store: Pick<ReadModelStore<T>, 'transaction'>,
  target: Target<T>,
  from: Checkpoint,
  events: readonly RecordedEvent[],
): Promise<Checkpoint | undefined> {
  const last = events.at(-1)
  if (!last) return from
  try {
    return await inOneTransaction(store, target, from, events, last)
  } catch (error) {
    if (!(error instanceof ApplyFailed)) throw error
    if (events.length === 1) return applyAgain(store, target, from, last)
    const middle = events.length >> 1
    const halfway = await applyEvents(store, target, from, events.slice(0, middle))
    return halfway && applyEvents(store, target, halfway, events.slice(middle))
  }
}

/** A connection that broke in the middle looks like a failing projection, but not twice at the same event. */
async function applyAgain<T>(
  store: Pick<ReadModelStore<T>, 'transaction'>,
  target: Target<T>,
  from: Checkpoint,
  event: RecordedEvent,
): Promise<Checkpoint | undefined> {
  try {
    return await inOneTransaction(store, target, from, [event], event)
  } catch (error) {
    if (!(error instanceof ApplyFailed)) throw error
    const { type, sequence, position } = event
    const why = messageOf(error.cause)
    throw new ProjectionError(
      'poison_event',
      `${target.projection.name} cannot take event number ${sequence} (${type} at ${position}): ${why}`,
      { at: position, cause: error.cause },
    )
  }
}

async function inOneTransaction<T>(
  store: Pick<ReadModelStore<T>, 'transaction'>,
  target: Target<T>,
  from: Checkpoint,
  events: readonly RecordedEvent[],
  last: RecordedEvent,
): Promise<Checkpoint | undefined> {
  const { projection, schema, advance, applied } = target
  const to = checkpointAt(last)
  const isApplied = await store.transaction(async (tx) => {
    if (!(await advance(tx, from, to))) return false
    try {
      await applyHandled(projection, tx, schema, events)
    } catch (cause) {
      if (isPassing(cause)) throw cause
      throw new ApplyFailed('the projection failed', { cause })
    }
    return true
  })
  if (!isApplied) return undefined
  applied(to)
  return to
}

/** SQLSTATE classes of what passes by itself: connection, rollback by the server, resources, lock not available, intervention. */
const passing = /^(08|40|53|55|57)/

const isPassing = (error: unknown): boolean =>
  isPostgresOutage(error) ||
  (error instanceof Error && 'code' in error && typeof error.code === 'string' && passing.test(error.code))
