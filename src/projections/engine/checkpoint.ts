import { sql } from 'kysely'
import { z } from 'zod'
import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import { beginning, justBefore, Position } from '../../events/identifiers.ts'
import type { EventLog } from '../../events/log/log.ts'
import { ProjectionError } from './projection-error.ts'
import type { Tx } from './projection.ts'
import { IntegerColumn } from './rows.ts'

/** The last event that a read model has applied. */
export type Checkpoint = { position: Position; sequence: number; eventId: string | null }

/** The registry's entry of a read model: the generation that serves, its version and its checkpoint. */
export type Registered = Checkpoint & { version: number; generation: number }

/** The checkpoint of an empty read model. */
export const beforeFirst: Checkpoint = { position: beginning, sequence: 0, eventId: null }

export const checkpointAt = ({ position, sequence, metadata }: AnyRecordedEvent): Checkpoint => ({
  position,
  sequence,
  eventId: metadata.eventId,
})

const Row = z.object({
  version: IntegerColumn,
  generation: IntegerColumn,
  position: Position,
  sequence: IntegerColumn,
  event_id: z.string().nullable(),
})

/** The registry's row of a projection; undefined before its first build. `forUpdate` locks out other projectors until commit. */
export async function loadRegistered(
  tx: Tx,
  name: string,
  { forUpdate = false } = {},
): Promise<Registered | undefined> {
  const lock = forUpdate ? sql`for update` : sql``
  const { rows } =
    await sql`select version, generation, position, sequence, event_id from projections where name = ${name} ${lock}`.execute(
      tx,
    )
  if (rows.length === 0) return undefined
  const { event_id: eventId, ...row } = Row.parse(rows[0])
  return { ...row, eventId }
}

/**
 * Moves a checkpoint by compare-and-set. False: another projector was faster, or a rebuild has replaced the generation. The row
 * stays locked until the transaction ends.
 */
export async function moveCheckpoint(
  tx: Tx,
  name: string,
  generation: number,
  from: Checkpoint,
  to: Checkpoint,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update projections set position = ${to.position}, sequence = ${to.sequence}, event_id = ${to.eventId}, updated_at = now()
    where name = ${name} and generation = ${generation} and position = ${from.position}`.execute(tx)
  return numAffectedRows === 1n
}

/** Registers the generation that serves from now on. */
export async function register(
  tx: Tx,
  name: string,
  { version, generation, position, sequence, eventId }: Registered,
): Promise<void> {
  await sql`
    insert into projections (name, version, generation, position, sequence, event_id)
    values (${name}, ${version}, ${generation}, ${position}, ${sequence}, ${eventId})
    on conflict (name) do update set version = excluded.version, generation = excluded.generation, position = excluded.position,
      sequence = excluded.sequence, event_id = excluded.event_id, updated_at = now()`.execute(tx)
}

/** Throws `checkpoint_not_in_log` unless the log still holds the event that a checkpoint names. */
export async function assertInLog(
  log: Pick<EventLog, 'read'>,
  name: string,
  { position, sequence, eventId }: Checkpoint,
): Promise<void> {
  if (sequence === 0) return
  for await (const [event] of log.read({ after: justBefore(position), upTo: position }))
    if (event?.sequence === sequence && event.metadata.eventId === eventId) return
  throw new ProjectionError(
    'checkpoint_not_in_log',
    `${name} holds event ${eventId} (number ${sequence}, position ${position}), which is not in the log: ` +
      `the log was lost, replaced or restored. Restore the log if it should hold that event; otherwise run: council rebuild ${name}`,
    { at: position },
  )
}

/** Throws `sequence_gap` unless the events follow the checkpoint and each other without a gap. */
export function assertGapless(
  name: string,
  { sequence }: Pick<Checkpoint, 'sequence'>,
  events: readonly AnyRecordedEvent[],
): void {
  events.forEach((event, index) => {
    const expected = sequence + index + 1
    if (event.sequence !== expected)
      throw new ProjectionError(
        'sequence_gap',
        `${name} expected event number ${expected} of the log and found ${event.sequence} at ${event.position}: the log is incomplete`,
        { at: event.position },
      )
  })
}

/** Pages of the events after a checkpoint, without a gap, up to the current end of the log. */
export async function* readGapless(
  log: Pick<EventLog, 'read'>,
  name: string,
  from: Checkpoint,
): AsyncGenerator<AnyRecordedEvent[]> {
  let last = from
  for await (const events of log.read({ after: from.position })) {
    assertGapless(name, last, events)
    const newest = events.at(-1)
    if (newest) last = checkpointAt(newest)
    yield events
  }
}
