import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import { printableEvent } from '../../events/event.ts'
import { justBefore, Position } from '../../events/identifiers.ts'
import type { LogReader } from '../../events/log/log.ts'
import type { EventsAt } from '../../events/log/read/events-at.ts'
import { messageOf } from '../../platform/platform-error.ts'
import type { ReadModelReader } from '../../projections/engine/read-model-reader.ts'
import { logIndex, type LogIndexRow } from '../../projections/log-index.ts'
import { selectEvents, selectLinks } from '../../projections/log-selection.ts'
import { sendProblem } from '../problem.ts'
import { After, formatIssues } from '../queries/page.ts'
import { sendUnread } from '../queries/query-route.ts'
import { eventBodies } from './event-bodies.ts'
import { EventParameters, filtersOf } from './event-parameters.ts'
import { sendLogUnavailable } from './log-problem.ts'

export type EventSources = { readModel: ReadModelReader; log: Pick<LogReader, 'read'>; eventsAt: EventsAt }

/** A page ends early when its events have this much text: the largest event has a few hundred thousand characters. */
const maxPageCharacters = 4_000_000
const maxLinks = 50

/**
 * `GET /v1/events`: the events of the log that match the filters, newest first unless the order says otherwise. An index finds them, and
 * the log, in Redis and the archive, has their bodies. A page may hold fewer events than `limit`, or none, and still have a `next` one.
 */
export function eventsRoute(server: FastifyInstance, { readModel, eventsAt }: EventSources): void {
  server.get('/v1/events', { config: { scope: 'events:read' } }, async (request, reply) => {
    const known = EventParameters.safeParse(request.query)
    if (!known.success) return sendProblem(reply, 'malformed_request', formatIssues(known.error))
    const { after = null, order, cursor = null, limit } = known.data
    const selected = await readModel(logIndex, after, (tx) =>
      selectEvents(tx, filtersOf(known.data), { order, cursor, limit }),
    )
    if (selected.outcome !== 'read') return sendUnread(reply, selected, after)
    const { rows, next } = selected.result
    // Outside the transaction: the embedded Postgres would let the archive wait for its end.
    const read = await eventBodies(eventsAt, rows, maxPageCharacters).catch(messageOf)
    if (typeof read === 'string') return sendLogUnavailable(reply, read)
    const last = rows[read.length - 1]
    return reply
      .header('x-council-position', selected.position)
      .send({
        events: read.map(printableEvent),
        next: printCursor(read.length < rows.length && last ? last.sequence : next),
      })
  })
}

/** The parameters of `GET /v1/events/:position`. */
export const EventAtParameters = z.strictObject({ after: After })

/** `GET /v1/events/:position`: one event with its place in the chain of causes. */
export function eventRoute(server: FastifyInstance, { readModel, log }: EventSources): void {
  server.get<{ Params: { position: string } }>(
    '/v1/events/:position',
    { config: { scope: 'events:read' } },
    async (request, reply) => {
      const known = EventAtParameters.safeParse(request.query)
      if (!known.success) return sendProblem(reply, 'malformed_request', formatIssues(known.error))
      const position = Position.safeParse(request.params.position)
      if (!position.success) return sendNoEvent(reply)
      const event = await eventAt(log, position.data).catch(messageOf)
      if (typeof event === 'string') return sendLogUnavailable(reply, event)
      if (!event) return sendNoEvent(reply)
      const { after = null } = known.data
      const links = await readModel(logIndex, after, (tx) => selectLinks(tx, event, maxLinks))
      if (links.outcome !== 'read') return sendUnread(reply, links, after)
      const { causedBy, followed, together } = links.result
      return reply
        .header('x-council-position', links.position)
        .send({
          event: printableEvent(event),
          causedBy: causedBy.map(printSummary),
          together: together.map(printSummary),
          followed: followed.map(printSummary),
        })
    },
  )
}

const sendNoEvent = (reply: FastifyReply): FastifyReply =>
  sendProblem(reply, 'not_found', 'the log has no event at this position')

const printCursor = (next: number | null): string | null => (next === null ? null : String(next))

const printSummary = ({ position, stream, type, actor, occurred_at: occurredAt }: LogIndexRow) => ({
  position,
  stream,
  type,
  actor,
  occurredAt,
})

/** Redis takes no larger second number, and no log has one. */
const hasPlace = (position: Position): boolean => /^\d*[1-9]\d*-\d{1,15}$/.test(position)

async function eventAt(log: Pick<LogReader, 'read'>, position: Position): Promise<AnyRecordedEvent | undefined> {
  if (!hasPlace(position)) return undefined
  for await (const [event] of log.read({ after: justBefore(position), upTo: position, limit: 1 })) return event
  return undefined
}
