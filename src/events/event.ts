import { z } from 'zod'
import { Principal, type Position, type StreamName } from './identifiers.ts'

/** The newest schema version of an event type, what the event means, and the shape of its data in that version. */
export type EventDefinition = { version: number; summary: string; data: z.ZodType }

/** The event types of one area of the domain, or of all. */
export type EventCatalogue = Readonly<Record<string, EventDefinition>>

/** The union of a catalogue's events, discriminated by `type`. */
export type EventOf<C extends EventCatalogue> = {
  [T in keyof C & string]: { type: T; data: z.infer<C[T]['data']> }
}[keyof C & string]

/** Who did what on whose behalf, stored with every event. Times are ISO 8601 UTC. */
export const EventMetadata = z.strictObject({
  eventId: z.string().max(64),
  commandId: z.string().max(128),
  /** The request of a user that this event belongs to (seed story 7.1). */
  requestId: z.string().max(64).optional(),
  correlationId: z.string().max(128),
  causationId: z.string().max(128),
  actor: Principal,
  traceparent: z.string().max(64).optional(),
  /** The caller's idempotency key where it is not a UUIDv7; a restore rebuilds the key's mapping from it. */
  idempotencyKey: z.string().max(128).optional(),
  /** A hash of the command's fields. It distinguishes a repeated command from another one under the same id, also after a restore. */
  contentHash: z.string().max(64).optional(),
  occurredAt: z.iso.datetime(),
})
export type EventMetadata = z.infer<typeof EventMetadata>

/** An event with its place in the log. Readers get `AnyRecordedEvent`; without an argument its data is unknown. */
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

/** The guard of one area's events: `isEventOf(chatEvents)`. Readers check data against the catalogue, so the type alone decides. */
export const isEventOf =
  <C extends EventCatalogue>(area: C) =>
  (event: RecordedEvent): event is RecordedEvent<EventOf<C>> =>
    Object.hasOwn(area, event.type)

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
