import { sql, type RawBuilder, type Transaction } from 'kysely'
import { z } from 'zod'
import type { Postgres } from '../../../platform/postgres/postgres.ts'
import { beginning, Position, StreamName } from '../../identifiers.ts'
import type { ReadOptions } from '../log.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import type { ChainHead, LogIdentity } from './chain.ts'

/** The newest archived event, the head of the hash chain after it, and the last event that was trimmed from Redis. */
export type ArchiveCheckpoint = LogIdentity & {
  sequence: number
  position: Position
  chainHead: ChainHead
  trimmed: { sequence: number; position: Position }
}

/** An archived event with the head of the hash chain after it. */
export type ArchivedEvent = StoredEvent & { chainHead: ChainHead }

/** A council's events in Postgres, from the first one on. */
export type Archive = {
  /** Null: the archive is empty. */
  checkpoint: () => Promise<ArchiveCheckpoint | null>
  /** Pages of events in log order, each read in a short transaction. */
  read: (options?: ReadOptions) => AsyncGenerator<ArchivedEvent[]>
  /** Pages of one stream's events up to a sequence, found by the index on streams: their cost does not depend on the rest of the log. */
  readStream: (stream: StreamName, upToSequence: number) => AsyncGenerator<ArchivedEvent[]>
  /** The events with these sequences, in log order; those that are not archived are left out. */
  at: (sequences: readonly number[]) => Promise<ArchivedEvent[]>
  /** Those of the given MACs that occur in these streams up to a sequence. */
  macsIn: (streams: readonly StreamName[], macs: readonly string[], upToSequence: number) => Promise<string[]>
  /**
   * Adds the events after a checkpoint (null: the first events) and moves it, in one transaction. False: another archiver has moved
   * it, and nothing was written. Throws the error of Postgres if an event contradicts an archived one.
   */
  add: (from: ArchiveCheckpoint | null, identity: LogIdentity, events: readonly ArchivedEvent[]) => Promise<boolean>
  /** Records, before the trim, the last event that will be trimmed from Redis. */
  noteTrimmed: (trimmed: { sequence: number; position: Position }) => Promise<void>
}

const pageSize = 1_000

/** The archive in a migrated database. */
export function postgresArchive({
  transaction,
  snapshot,
}: Pick<Postgres<unknown>, 'transaction' | 'snapshot'>): Archive {
  return {
    checkpoint: () =>
      snapshot(async (tx) => {
        const { rows } = await sql`select * from archive_checkpoint`.execute(tx)
        return rows.length === 0 ? null : CheckpointRow.parse(rows[0])
      }),

    async *read(options = {}) {
      const isBackward = options.direction === 'backward'
      const { after = beginning, upTo } = options
      let left = options.limit ?? Infinity
      let sequence: number | undefined
      while (left > 0) {
        const count = Math.min(pageSize, left)
        const conditions = [...bounds(after, upTo, sequence, isBackward), ...filters(options)]
        const where = conditions.length > 0 ? sql`where ${sql.join(conditions, sql` and `)}` : sql``
        const order = isBackward ? sql`desc` : sql`asc`
        const { rows } = await snapshot((tx) =>
          sql`select * from event_archive ${where} order by sequence ${order} limit ${count}`.execute(tx),
        )
        const events = rows.map(archivedEvent)
        const last = events.at(-1)
        if (!last) return
        sequence = last.sequence
        left -= events.length
        yield events
        if (events.length < count) return
      }
    },

    readStream: (stream, upToSequence) => streamPages(snapshot, stream, upToSequence),

    at: (sequences) =>
      snapshot(async (tx) => {
        const { rows } =
          await sql`select * from event_archive where sequence = any(${sequences}::bigint[]) order by sequence`.execute(
            tx,
          )
        return rows.map(archivedEvent)
      }),

    macsIn: (streams, macs, upToSequence) =>
      snapshot(async (tx) => {
        const { rows } =
          await sql`select mac from event_archive where stream = any(${streams}::text[]) and mac = any(${macs}::text[]) and sequence <= ${upToSequence}`.execute(
            tx,
          )
        return Macs.parse(rows).map(({ mac }) => mac)
      }),

    add: (from, identity, events) =>
      transaction(async (tx) => {
        const last = events.at(-1)
        if (!last) return true
        if (!(await moveCheckpoint(tx, from, identity, last))) return false
        await insertEvents(tx, events)
        return true
      }),

    noteTrimmed: ({ sequence, position }) =>
      transaction(async (tx) => {
        await sql`update archive_checkpoint set trimmed_sequence = ${sequence}, trimmed_position = ${position} where trimmed_sequence < ${sequence}`.execute(
          tx,
        )
      }),
  }
}

async function* streamPages(
  snapshot: Postgres<unknown>['snapshot'],
  stream: StreamName,
  upToSequence: number,
): AsyncGenerator<ArchivedEvent[]> {
  for (let revision = 0; ;) {
    const after = revision
    const { rows } = await snapshot((tx) =>
      sql`select * from event_archive where stream = ${stream} and revision > ${after} and sequence <= ${upToSequence} order by revision limit ${pageSize}`.execute(
        tx,
      ),
    )
    const events = rows.map(archivedEvent)
    const last = events.at(-1)
    if (!last) return
    revision = last.revision
    yield events
    if (events.length < pageSize) return
  }
}

/** Moves the checkpoint by compare-and-set. False: another archiver has moved it. */
async function moveCheckpoint(
  tx: Transaction<unknown>,
  from: ArchiveCheckpoint | null,
  { councilId, incarnation }: LogIdentity,
  last: ArchivedEvent,
): Promise<boolean> {
  const to = sql`${last.sequence}::bigint, ${last.position}::text, ${last.chainHead}::bytea`
  const moved = from
    ? sql`
        update archive_checkpoint set (sequence, position, chain_head, updated_at) = (select ${to}, now())
        where council_id = ${councilId} and incarnation = ${incarnation} and sequence = ${from.sequence} and chain_head = ${from.chainHead}`
    : sql`
        insert into archive_checkpoint (council_id, incarnation, sequence, position, chain_head)
        values (${councilId}, ${incarnation}, ${to}) on conflict (only_row) do nothing`
  const { numAffectedRows } = await moved.execute(tx)
  return numAffectedRows === 1n
}

async function insertEvents(tx: Transaction<unknown>, events: readonly ArchivedEvent[]): Promise<void> {
  const rows = events.map(({ chainHead, ...event }) => ({ ...event, chain_head: chainHead.toString('hex') }))
  await sql`
    insert into event_archive (sequence, position, stream, revision, type, version, data, metadata, mac, chain_head)
    select sequence, position, stream, revision, type, version, data, metadata, mac, decode(chain_head, 'hex')
    from json_to_recordset(${JSON.stringify(rows)}::json) as event
      (sequence bigint, position text, stream text, revision bigint, type text, version integer, data text, metadata text, mac text, chain_head text)`.execute(
    tx,
  )
}

/** The events of these pages up to a sequence. */
export async function* upToSequence<E extends StoredEvent>(
  pages: AsyncIterable<E[]>,
  sequence: number,
): AsyncGenerator<E[]> {
  for await (const page of pages) {
    const within = page.filter((event) => event.sequence <= sequence)
    if (within.length > 0) yield within
    if (within.length < page.length) return
  }
}

/** A position as two numbers, the expression of the table's index. */
const numbersOf = (position: RawBuilder<unknown>) =>
  sql`split_part(${position}, '-', 1)::numeric, split_part(${position}, '-', 2)::numeric`

/** Sequences and positions rise together: the first page starts by position, the next ones continue by sequence. */
function bounds(
  after: Position,
  upTo: Position | undefined,
  sequence: number | undefined,
  isBackward: boolean,
): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = []
  if (sequence !== undefined) conditions.push(isBackward ? sql`sequence < ${sequence}` : sql`sequence > ${sequence}`)
  if (after !== beginning && (isBackward || sequence === undefined)) conditions.push(sql`sequence > ${lastUpTo(after)}`)
  if (upTo !== undefined && (!isBackward || sequence === undefined)) conditions.push(sql`sequence <= ${lastUpTo(upTo)}`)
  return conditions
}

function lastUpTo(position: Position): RawBuilder<unknown> {
  const ofRow = numbersOf(sql.ref('position'))
  return sql`coalesce((select sequence from event_archive where (${ofRow}) <= (${numbersOf(sql`${position}::text`)}) order by ${sql.raw(newestFirst)} limit 1), 0)`
}

const newestFirst = `split_part(position, '-', 1)::numeric desc, split_part(position, '-', 2)::numeric desc`

function filters({ streams, types }: ReadOptions): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = []
  if (streams) conditions.push(sql`stream = any(${streams}::text[])`)
  if (types) conditions.push(sql`type = any(${types}::text[])`)
  return conditions
}

const Whole = z.union([z.string(), z.number(), z.bigint()]).transform(Number).pipe(z.int().nonnegative())
const Digest = z.instanceof(Uint8Array).transform((bytes) => Buffer.from(bytes))

const Macs = z.array(z.object({ mac: z.string() }))

/** A row as the drivers return it: pg returns a bigint as text. */
const EventRow = z.object({
  sequence: z.string(),
  position: Position,
  stream: StreamName,
  revision: z.string(),
  type: z.string(),
  version: z.number(),
  data: z.string(),
  metadata: z.string(),
  mac: z.string(),
  chain_head: z.instanceof(Uint8Array),
})

/** On the hot path of verification, which reads millions of rows. */
function archivedEvent(row: unknown): ArchivedEvent {
  const {
    sequence,
    position,
    stream,
    revision,
    type,
    version,
    data,
    metadata,
    mac,
    chain_head: head,
  } = EventRow.parse(row)
  const chainHead = Buffer.from(head.buffer, head.byteOffset, head.byteLength)
  return {
    position,
    sequence: Number(sequence),
    stream,
    revision: Number(revision),
    type,
    version,
    data,
    metadata,
    mac,
    chainHead,
  }
}

const CheckpointRow = z
  .object({
    council_id: z.string(),
    incarnation: z.string(),
    sequence: Whole,
    position: Position,
    chain_head: Digest,
    trimmed_sequence: Whole,
    trimmed_position: Position,
  })
  .transform(
    ({
      council_id: councilId,
      incarnation,
      sequence,
      position,
      chain_head: chainHead,
      trimmed_sequence,
      trimmed_position,
    }): ArchiveCheckpoint => ({
      councilId,
      incarnation,
      sequence,
      position,
      chainHead,
      trimmed: { sequence: trimmed_sequence, position: trimmed_position },
    }),
  )
