import { z } from 'zod'
import type { Position, StreamName } from './identifiers.ts'

/** What one area of the domain may record: event type → its newest schema version and the shape of its data. */
export type EventCatalogue = Record<string, { version: number; data: z.ZodType }>

/** The union of a catalogue's events, discriminated by `type`. */
export type EventOf<C extends EventCatalogue> = {
  [T in keyof C & string]: { type: T; data: z.infer<C[T]['data']> }
}[keyof C & string]

/** Who did what on whose behalf. Stored beside every event; times are ISO 8601 UTC. */
export const EventMetadata = z.strictObject({
  eventId: z.string().max(64),
  commandId: z.string().max(128),
  /** The request of a user that this event belongs to (seed story 7.1). */
  requestId: z.string().max(64).optional(),
  correlationId: z.string().max(128),
  causationId: z.string().max(128),
  actor: z.string().max(128),
  traceparent: z.string().max(64).optional(),
  /** The caller's own key for the command, where it is no UUIDv7: a restored log knows it again. */
  idempotencyKey: z.string().max(128).optional(),
  /** Of the command's fields: what tells a repeated command from another one under its id, also in a restored log. */
  contentHash: z.string().max(64).optional(),
  occurredAt: z.iso.datetime(),
})
export type EventMetadata = z.infer<typeof EventMetadata>

/** An event as it stands in the log. */
export type RecordedEvent<E extends { type: string; data: unknown } = { type: string; data: unknown }> = E & {
  position: Position
  /** Gapless over the whole log, from 1. */
  sequence: number
  stream: StreamName
  /** Gapless within its stream, from 1. */
  revision: number
  version: number
  metadata: EventMetadata
}

/** The public form of an event, the same on the command line, over HTTP and in exports. */
export const printableEvent = ({ position, stream, revision, type, version, data, metadata }: RecordedEvent) => ({
  position,
  stream,
  revision,
  type,
  version,
  data,
  metadata,
})
