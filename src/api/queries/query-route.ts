import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Position } from '../../events/identifiers.ts'
import type { ReadModelAnswer, ReadModelReader } from '../../projections/engine/read-model-reader.ts'
import { csvTable } from '../../platform/csv-table.ts'
import { identityOf } from '../access/check-access.ts'
import { sendProblem } from '../problem.ts'
import { Next } from './page.ts'
import type { Query } from './query.ts'

/**
 * Serves a query, with the position of its read model in `X-Council-Position`. With `after=<position>` the answer reflects that
 * position or a later one; the request waits for it a bounded time. A page of a CSV file names the next one in `Link` (RFC 8288).
 */
export function queryRoute(server: FastifyInstance, read: ReadModelReader, query: Query): void {
  const { path, scope, readModel, notFound, table } = query
  server.get<{ Params: { id?: string } }>(path, { config: { scope } }, async (request, reply) => {
    const asked = query.ask({ id: request.params.id, query: request.query })
    if (asked.outcome !== 'asked') return sendProblem(reply, asked.outcome, asked.detail)
    const viewer = identityOf(request)
    const { after, answer, format } = asked
    const answered = await read(readModel, after, (tx) => answer(tx, viewer))
    if (answered.outcome !== 'read') return sendUnread(reply, answered, after)
    void reply.header('x-council-position', answered.position)
    if (!answered.result) return sendProblem(reply, 'not_found', notFound)
    return table && format === 'csv' ? sendCsv(request, reply, table, answered.result) : reply.send(answered.result)
  })
}

/** The response when a read model has no answer yet. */
export function sendUnread(
  reply: FastifyReply,
  unread: Exclude<ReadModelAnswer<never>, { outcome: 'read' }>,
  after: Position | null,
): FastifyReply {
  if (unread.outcome === 'unavailable')
    return sendProblem(reply, 'read_model_unavailable', `read models: ${unread.message}`)
  if (unread.logEndsAt)
    return sendProblem(reply, 'malformed_request', `after: the log ends at ${unread.logEndsAt}, before ${after}`)
  return sendProblem(
    reply.header('x-council-position', unread.position),
    'read_model_behind',
    `the read model is at ${unread.position} and has not reached ${after ?? 'its first build'}`,
  )
}

const Page = z.looseObject({ next: Next })
const Rows = z.array(z.looseObject({}))

function sendCsv(
  request: FastifyRequest,
  reply: FastifyReply,
  { name, row }: NonNullable<Query['table']>,
  body: object,
): FastifyReply {
  const { [name]: rows, next } = Page.parse(body)
  if (next !== null) {
    const address = new URL(request.url, 'http://council')
    address.searchParams.set('cursor', next)
    void reply.header('link', `<${address.pathname}${address.search}>; rel="next"`)
  }
  return reply.type('text/csv; charset=utf-8; header=present').send(csvTable(row, Rows.parse(rows)))
}
