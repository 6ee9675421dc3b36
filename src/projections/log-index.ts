import { sql } from 'kysely'
import { eventCatalogue, type AnyRecordedEvent } from '../events/catalogue.ts'
import { Position, StreamName } from '../events/identifiers.ts'
import { isoTime } from '../platform/clock.ts'
import { bigint, bytewise, nullable, text, textOf, timestamp, type RowOf } from './engine/columns.ts'
import { storableText } from './engine/rows.ts'
import { tableProjection } from './engine/table-projection.ts'

const columns = {
  sequence: bigint,
  position: textOf(Position),
  stream: bytewise(textOf(StreamName)),
  revision: bigint,
  type: bytewise(text),
  actor: bytewise(text),
  request_id: nullable(bytewise(text)),
  event_id: bytewise(text),
  command_id: bytewise(text),
  causation_id: bytewise(text),
  occurred_at: timestamp,
}
export type LogIndexRow = RowOf<typeof columns>

/** `read_models.log_index`: one row per event, without its data, by which the events of the log are found. docs/decisions/0021 says why it is a table of its own. */
export const logIndex = tableProjection({
  name: 'log_index',
  version: 1,
  columns,
  key: 'sequence',
  indexes: [
    sql`(stream, sequence)`,
    sql`(split_part(stream, '/', 1), sequence)`,
    sql`(type, sequence)`,
    sql`(actor, sequence)`,
    sql`(request_id, sequence) where request_id is not null`,
    sql`(event_id)`,
    sql`(command_id, sequence)`,
    sql`(causation_id, sequence) where causation_id <> command_id`,
  ],
  handles: eventCatalogue,
  keyOf: ({ sequence }) => sequence,
  evolve: (_, event) => indexRow(event),
  isAppendOnly: true,
})

const indexRow = ({ sequence, position, stream, revision, type, metadata }: AnyRecordedEvent): LogIndexRow => ({
  sequence,
  position,
  stream,
  revision,
  type,
  actor: storableText(metadata.actor),
  request_id: metadata.requestId === undefined ? null : storableText(metadata.requestId),
  event_id: storableText(metadata.eventId),
  command_id: storableText(metadata.commandId),
  causation_id: storableText(metadata.causationId),
  occurred_at: isoTime(Date.parse(metadata.occurredAt)),
})
