import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { AccountId } from '../../events/account.ts'
import { Position } from '../../events/identifiers.ts'
import { accounts, selectAccount, selectAccounts, type AccountRow } from '../../projections/accounts.ts'
import type { Tx } from '../../projections/engine/projection.ts'
import type { ReadModelReader } from '../../projections/engine/read-model-reader.ts'
import { sendProblem } from '../problem.ts'

const defaultPage = 100
const maxPage = 1000

const OneQuery = z.strictObject({ after: Position.optional() })
const ListQuery = OneQuery.extend({
  /** The last account of the page before. */
  cursor: AccountId.optional(),
  limit: z.coerce.number().pipe(z.int().min(1).max(maxPage)).default(defaultPage),
})

/**
 * `GET /v1/treasury/accounts` and `/v1/treasury/accounts/<id>`: what accounts hold, as of the position in
 * `X-Council-Position`; with `after=<position>` not before that. Amounts are integer micro-dollars.
 */
export function treasuryRoute(server: FastifyInstance, read: ReadModelReader): void {
  async function answer(
    reply: FastifyReply,
    after: Position | undefined,
    work: (tx: Tx) => Promise<object | null>,
  ): Promise<FastifyReply> {
    const answered = await read(accounts, after ?? null, work)
    if (answered.outcome === 'unavailable')
      return sendProblem(reply, 'read_model_unavailable', `read models: ${answered.message}`)
    void reply.header('x-council-position', answered.position)
    if (answered.outcome === 'behind')
      return sendProblem(
        reply,
        'read_model_behind',
        `the read model is at ${answered.position}, and not yet as far as ${after ?? 'anything'}`,
      )
    return answered.result ? reply.send(answered.result) : sendProblem(reply, 'not_found', 'there is no such account')
  }

  server.get('/v1/treasury/accounts', async (request, reply) => {
    const query = ListQuery.safeParse(request.query)
    if (!query.success) return sendProblem(reply, 'malformed_request', wrong(query.error))
    const { after, cursor, limit } = query.data
    return answer(reply, after, async (tx) => {
      // One more than the page holds tells whether there is another one.
      const rows = await selectAccounts(tx, cursor ?? '', limit + 1)
      const page = rows.slice(0, limit)
      return { accounts: page.map(printed), next: rows.length > limit ? (page.at(-1)?.account_id ?? null) : null }
    })
  })

  server.get<{ Params: { id: string } }>('/v1/treasury/accounts/:id', async (request, reply) => {
    const query = OneQuery.safeParse(request.query)
    if (!query.success) return sendProblem(reply, 'malformed_request', wrong(query.error))
    const accountId = AccountId.safeParse(request.params.id)
    if (!accountId.success) return sendProblem(reply, 'not_found', 'there is no such account')
    return answer(reply, query.data.after, async (tx) => {
      const row = await selectAccount(tx, accountId.data)
      return row ? printed(row) : null
    })
  })
}

const printed = (row: AccountRow) => ({
  account: row.account_id,
  status: row.status,
  balanceMicros: row.balance_micros,
  reservedMicros: row.reserved_micros,
  limits:
    row.daily_limit_micros === null || row.action_limit_micros === null
      ? null
      : { dailyMicros: row.daily_limit_micros, perActionMicros: row.action_limit_micros },
  lastPosition: row.last_position,
})

const wrong = ({ issues }: z.ZodError): string =>
  issues
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ')
    .slice(0, 500)
