import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Position } from '../../events/identifiers.ts'
import type { ReadModelAnswer, ReadModelReader } from '../../projections/engine/read-model-reader.ts'
import { identityOf } from '../access/check-access.ts'
import { sendProblem } from '../problem.ts'
import type { Body, CsvPage, Query } from './query.ts'

/**
 * Serves a query, with the position of its read model in `X-Council-Position`. With `after=<position>` the answer reflects that
 * position or a later one; the request waits for it a bounded time.
 */
export function queryRoute(server: FastifyInstance, read: ReadModelReader, query: Query): void {
  const { path, scope, readModel, notFound } = query
  server.get<{ Params: { id?: string } }>(path, { config: { scope } }, async (request, reply) => {
    const asked = query.ask({ id: request.params.id, query: request.query })
    if (asked.outcome !== 'asked') return sendProblem(reply, asked.outcome, asked.detail)
    const viewer = identityOf(request)
    const { after, answer } = asked
    return send(reply, await read(readModel, after, (tx) => answer(tx, viewer)), after, notFound)
  })
}

function send(
  reply: FastifyReply,
  answered: ReadModelAnswer<Body | null>,
  after: Position | null,
  notFound: string,
): FastifyReply {
  if (answered.outcome !== 'read') return sendUnread(reply, answered, after)
  void reply.header('x-council-position', answered.position)
  if (!answered.result) return sendProblem(reply, 'not_found', notFound)
  return isCsv(answered.result) ? sendCsv(reply, answered.result) : reply.send(answered.result)
}

/** The response when a read model has no answer yet. */
export function sendUnread(
  reply: FastifyReply,
  unread: Exclude<ReadModelAnswer<never>, { outcome: 'read' }>,
  after: Position | null,
): FastifyReply {
  if (unread.outcome === 'unavailable')
    return sendProblem(reply, 'read_model_unavailable', `read models: ${unread.message}`)
  return sendProblem(
    reply.header('x-council-position', unread.position),
    'read_model_behind',
    `the read model is at ${unread.position} and has not reached ${after ?? 'its first build'}`,
  )
}

const isCsv = (body: Body): body is CsvPage => 'csv' in body

function sendCsv(reply: FastifyReply, { csv, next }: CsvPage): FastifyReply {
  if (next !== null) void reply.header('link', `<${next}>; rel="next"`)
  return reply.type('text/csv; charset=utf-8; header=present').send(csv)
}
