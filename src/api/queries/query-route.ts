import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { Position, Uuid7 } from '../../events/identifiers.ts'
import type { TokenScope } from '../../events/token.ts'
import type { Projection, Tx } from '../../projections/engine/projection.ts'
import type { ReadModelAnswer, ReadModelReader } from '../../projections/engine/read-model-reader.ts'
import { identityOf } from '../access/check-access.ts'
import type { Identity } from '../access/identity.ts'
import { sendProblem } from '../problem.ts'

/** JSON, or a CSV file (RFC 4180) with the path of its next page. */
type Body = object | CsvPage
export type CsvPage = { csv: string; next: string | null }

/** Adds a query to the server. */
export type QueryRoute = (server: FastifyInstance, read: ReadModelReader) => void

type Query<Fields extends z.ZodRawShape, Id> = {
  path: string
  scope: TokenScope
  readModel: Pick<Projection, 'name' | 'tables'>
  /** Parameters of the query string besides `after`. */
  fields: Fields
  /** The problem of parameters that each match their schema; null: none. */
  problem?: (query: z.output<z.ZodObject<Fields>>) => string | null
  /** The schema of `:id` in the path, if there is one: a value that does not match it is not found. */
  id?: z.ZodType<Id>
  /** The detail of the problem `not_found`. */
  notFound: string
  /** The body of the answer, for the one who asks; null: not found. */
  answer: (tx: Tx, query: z.output<z.ZodObject<Fields>>, id: Id, viewer: Identity) => Promise<Body | null>
}

/**
 * `GET /v1/…` over one read model, with its position in `X-Council-Position`. With `after=<position>` the answer reflects that
 * position or a later one; the request waits for it a bounded time.
 */
export function queryRoute<Fields extends z.ZodRawShape, Id = undefined>({
  path,
  scope,
  readModel,
  fields,
  problem,
  id,
  notFound,
  answer,
}: Query<Fields, Id>): QueryRoute {
  const Known = z.strictObject({ after: Position.optional(), ...fields })
  return (server, read) =>
    void server.get<{ Params: { id?: string } }>(path, { config: { scope } }, async (request, reply) => {
      const known = Known.safeParse(request.query)
      if (!known.success) return sendProblem(reply, 'malformed_request', formatIssues(known.error))
      const named = (id ?? z.undefined()).safeParse(request.params.id)
      if (!named.success) return sendProblem(reply, 'not_found', notFound)
      const { after, ...rest } = known.data as z.output<z.ZodObject<Fields>> & { after?: Position }
      const query = rest as z.output<z.ZodObject<Fields>>
      const wrong = problem?.(query) ?? null
      if (wrong !== null) return sendProblem(reply, 'malformed_request', wrong)
      const viewer = identityOf(request)
      const work = (tx: Tx) => answer(tx, query, named.data as Id, viewer)
      return send(reply, await read(readModel, after ?? null, work), after, notFound)
    })
}

export const defaultPage = 100
const maxPage = 1000
/** The parameter `limit` of a list. */
export const pageSize = z.coerce.number().pipe(z.int().min(1).max(maxPage))

type List<Row, Cursor> = {
  path: string
  scope: TokenScope
  readModel: Query<never, never>['readModel']
  /** Names the array in the body. */
  name: string
  cursor: z.ZodType<Cursor>
  /** Rows after the cursor in the order of the list that the viewer may see, at most `limit`. */
  select: (tx: Tx, cursor: Cursor | undefined, limit: number, viewer: Identity) => Promise<Row[]>
  /** As clients send it back. */
  cursorOf: (row: Row) => string
  print: (row: Row) => object
}

/** Selects a page of at most `limit` rows. `last`: its last row, if a next page begins after it. */
export async function pageOf<Row>(
  limit: number,
  select: (limit: number) => Promise<Row[]>,
): Promise<{ page: Row[]; last: Row | undefined }> {
  // One row more than the page holds shows whether there is a next page.
  const rows = await select(limit + 1)
  const page = rows.slice(0, limit)
  return { page, last: rows.length > limit ? page.at(-1) : undefined }
}

/** The same for a list in pages: `cursor` is the `next` of the page before, `limit` the size of a page. */
export const listRoute = <Row, Cursor>({
  path,
  scope,
  readModel,
  name,
  cursor,
  select,
  cursorOf,
  print,
}: List<Row, Cursor>): QueryRoute =>
  queryRoute({
    path,
    scope,
    readModel,
    fields: { cursor: cursor.optional(), limit: pageSize.default(defaultPage) },
    notFound: 'there is no such list',
    async answer(tx, query, _, viewer) {
      const { page, last } = await pageOf(query.limit, (limit) => select(tx, query.cursor, limit, viewer))
      return { [name]: page.map(print), next: last ? cursorOf(last) : null }
    },
  })

type ListByStatus<Row, Status> = Omit<List<Row, Uuid7>, 'cursor' | 'select'> & {
  status: z.ZodType<Status>
  /** Rows with the status, or all, older than an id, newest first, that the viewer may see; at most `limit`. */
  select: (
    tx: Tx,
    asked: { status: Status | undefined; before: Uuid7 | undefined; limit: number },
    viewer: Identity,
  ) => Promise<Row[]>
}

/** The same for a list of things that have an id and a status: `status` leaves out those with another one. */
export const listByStatusRoute = <Row, Status>({
  path,
  scope,
  readModel,
  name,
  status: known,
  select,
  cursorOf,
  print,
}: ListByStatus<Row, Status>): QueryRoute =>
  queryRoute({
    path,
    scope,
    readModel,
    fields: { status: known.optional(), cursor: Uuid7.optional(), limit: pageSize.default(defaultPage) },
    notFound: 'there is no such list',
    async answer(tx, { status, cursor: before, limit }, _, viewer) {
      const { page, last } = await pageOf(limit, (most) => select(tx, { status, before, limit: most }, viewer))
      return { [name]: page.map(print), next: last ? cursorOf(last) : null }
    },
  })

type Item<Row, Id> = Pick<Query<never, Id>, 'path' | 'scope' | 'readModel' | 'notFound'> & {
  id: z.ZodType<Id>
  /** Undefined also for a row that the viewer may not see. */
  select: (tx: Tx, id: Id, viewer: Identity) => Promise<Row | undefined>
  print: (row: Row) => object
}

/** `GET /v1/…/:id`: one row. */
export const itemRoute = <Row, Id>({ select, print, ...item }: Item<Row, Id>): QueryRoute =>
  queryRoute({
    ...item,
    fields: {},
    async answer(tx, _, id, viewer) {
      const row = await select(tx, id, viewer)
      return row === undefined ? null : print(row)
    },
  })

/** The cursor of a list in the order of the log: the sequence of an event. */
export const sequenceCursor = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number)

function send(
  reply: FastifyReply,
  answered: ReadModelAnswer<Body | null>,
  after: Position | undefined,
  notFound: string,
): FastifyReply {
  if (answered.outcome === 'unavailable')
    return sendProblem(reply, 'read_model_unavailable', `read models: ${answered.message}`)
  void reply.header('x-council-position', answered.position)
  if (answered.outcome === 'behind')
    return sendProblem(
      reply,
      'read_model_behind',
      `the read model is at ${answered.position} and has not reached ${after ?? 'its first build'}`,
    )
  if (!answered.result) return sendProblem(reply, 'not_found', notFound)
  return isCsv(answered.result) ? sendCsv(reply, answered.result) : reply.send(answered.result)
}

const isCsv = (body: Body): body is CsvPage => 'csv' in body

function sendCsv(reply: FastifyReply, { csv, next }: CsvPage): FastifyReply {
  if (next !== null) void reply.header('link', `<${next}>; rel="next"`)
  return reply.type('text/csv; charset=utf-8; header=present').send(csv)
}

/** The problems of parameters, as a detail. */
export const formatIssues = ({ issues }: z.ZodError): string =>
  issues
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ')
    .slice(0, 500)
