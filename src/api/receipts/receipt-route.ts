import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { chatStream } from '../../events/chat.ts'
import { electionStream } from '../../events/election.ts'
import { Uuid7, type StreamName } from '../../events/identifiers.ts'
import type { SealKey } from '../../events/log/archive/seal-key.ts'
import { isoTime, type Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/platform-error.ts'
import type { Tx } from '../../projections/engine/projection.ts'
import { logIndex, type LogIndexRow } from '../../projections/log-index.ts'
import { selectStream } from '../../projections/log-selection.ts'
import { identityOf } from '../access/check-access.ts'
import { promptsOf } from '../access/identity.ts'
import { eventBodies } from '../log/event-bodies.ts'
import type { EventSources } from '../log/events-route.ts'
import { sendLogUnavailable } from '../log/log-problem.ts'
import { sendProblem } from '../problem.ts'
import { After, formatIssues } from '../queries/page.ts'
import { sendUnread } from '../queries/query-route.ts'
import { buildReceipt, isForReceipt } from './build-receipt.ts'
import { signReceipt } from './sign-receipt.ts'

export type ReceiptSources = Pick<EventSources, 'readModel' | 'eventsAt'> & {
  /** `sealKey`: null on a machine that does not have it. */
  receipts: { council: string; sealKey: () => SealKey | null; clock: Clock }
}

/** The parameters of `GET /v1/chats/:id/receipt`. */
export const ReceiptParameters = z.strictObject({ after: After })

const rowsAtOnce = 1_000

/** `GET /v1/chats/:id/receipt`: the signed receipt of an answer that has ended, for those who may see the prompt. */
export function receiptRoute(server: FastifyInstance, { readModel, eventsAt, receipts }: ReceiptSources): void {
  const { council, sealKey, clock } = receipts
  server.get<{ Params: { id: string } }>(
    '/v1/chats/:id/receipt',
    { config: { scope: 'chat:read' } },
    async (request, reply) => {
      const known = ReceiptParameters.safeParse(request.query)
      if (!known.success) return sendProblem(reply, 'malformed_request', formatIssues(known.error))
      const requestId = Uuid7.safeParse(request.params.id)
      if (!requestId.success) return sendNoPrompt(reply)
      const { after = null } = known.data
      const selected = await readModel(logIndex, after, (tx) => rowsOf(tx, requestId.data))
      if (selected.outcome !== 'read') return sendUnread(reply, selected, after)
      void reply.header('x-council-position', selected.position)
      const subject = promptsOf(identityOf(request))
      const [submitted] = selected.result
      if (!submitted || (subject !== null && submitted.actor !== subject)) return sendNoPrompt(reply)
      // Outside the transaction: the embedded Postgres would let the archive wait for its end.
      const events = await eventBodies(eventsAt, selected.result, Infinity).catch(messageOf)
      if (typeof events === 'string') return sendLogUnavailable(reply, events)
      const built = buildReceipt(events, { council, issuedAt: isoTime(clock.nowMs()) })
      if (built.outcome === 'unknown') return sendNoPrompt(reply)
      if (built.outcome === 'unfinished')
        return sendProblem(reply, 'answer_unfinished', 'the answer has not ended; ask again when it has')
      if (built.outcome === 'differs')
        return sendProblem(reply, 'receipt_differs', `${built.why}: run council audit request ${requestId.data}`)
      const key = sealKey()
      if (!key)
        return sendProblem(reply, 'receipt_unsigned', 'this server does not have the sealing key (SEAL_KEY_FILE)')
      return reply.send(signReceipt(built.receipt, key))
    },
  )
}

const sendNoPrompt = (reply: FastifyReply): FastifyReply => sendProblem(reply, 'not_found', 'there is no such prompt')

/** The events of a prompt and of its election that a receipt needs, in order; the first is its submission. */
async function rowsOf(tx: Tx, requestId: Uuid7): Promise<LogIndexRow[]> {
  const rows: LogIndexRow[] = []
  for (const stream of [chatStream(requestId), electionStream(requestId)]) rows.push(...(await streamRows(tx, stream)))
  return rows.filter(({ type }) => isForReceipt(type)).toSorted((a, b) => a.sequence - b.sequence)
}

async function streamRows(tx: Tx, stream: StreamName): Promise<LogIndexRow[]> {
  const rows: LogIndexRow[] = []
  for (;;) {
    const page = await selectStream(tx, stream, rows.at(-1)?.sequence ?? 0, rowsAtOnce)
    rows.push(...page)
    if (page.length < rowsAtOnce) return rows
  }
}
