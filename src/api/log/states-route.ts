import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { aggregateOf } from '../../commands/registry.ts'
import { spanOf } from '../../events/day.ts'
import { Position, StreamName } from '../../events/identifiers.ts'
import { endOf } from '../../events/log-point.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { sendProblem } from '../problem.ts'
import { After, formatIssues } from '../queries/page.ts'
import { sendUnread } from '../queries/query-route.ts'
import { streamFolds, type FoldEnd } from './fold-stream.ts'
import type { EventSources } from './events-route.ts'
import { sendLogUnavailable } from './log-problem.ts'

/** A position, a day (UTC, to its end) or a time with its zone. */
const Moment = z.string().transform((text, context): Position => {
  const position = Position.safeParse(text)
  if (position.success) return position.data
  const span = spanOf(text, 'UTC')
  if (span) return endOf(span)
  context.addIssue('must be a position, a day such as 2026-11-23, or a time with its zone such as 2026-11-23T10:00:00Z')
  return z.NEVER
})

/** The parameters of `GET /v1/states/:stream`. */
export const StateParameters = z.strictObject({
  after: After,
  at: Moment.optional(),
  revision: z.coerce.number().pipe(z.int().min(1)).optional(),
})

/**
 * `GET /v1/states/:stream`: one aggregate, folded from its events up to a moment (`at`) or a revision, by default the newest. The name of
 * the stream is URL-encoded. A long stream takes several requests, which each go on where the one before ended.
 */
export function statesRoute(server: FastifyInstance, sources: EventSources): void {
  const fold = streamFolds(sources)
  server.get<{ Params: { stream: string } }>(
    '/v1/states/:stream',
    { config: { scope: 'events:read' } },
    async (request, reply) => {
      const known = StateParameters.safeParse(request.query)
      if (!known.success) return sendProblem(reply, 'malformed_request', formatIssues(known.error))
      const { after = null, at, revision } = known.data
      if (at !== undefined && revision !== undefined)
        return sendProblem(reply, 'malformed_request', 'revision: there is an at, too')
      const stream = StreamName.safeParse(request.params.stream)
      const aggregate = stream.success ? aggregateOf(stream.data) : undefined
      if (!stream.success || !aggregate) return sendNoState(reply)
      const end: FoldEnd = revision !== undefined ? { revision } : at === undefined ? null : { position: at }
      const answer = await fold(aggregate, stream.data, end, after).catch(messageOf)
      if (typeof answer === 'string') return sendLogUnavailable(reply, answer)
      if (answer.outcome === 'unfinished')
        return sendProblem(
          reply,
          'fold_unfinished',
          `${stream.data} is folded up to revision ${answer.revision} so far; ask again to go on`,
        )
      if (answer.outcome !== 'folded') return sendUnread(reply, answer, after)
      const { folded, indexedTo } = answer
      if (!folded || (revision !== undefined && folded.revision !== revision)) return sendNoState(reply)
      return reply
        .header('x-council-position', indexedTo)
        .send({ stream: stream.data, revision: folded.revision, position: folded.position, state: folded.state })
    },
  )
}

const sendNoState = (reply: FastifyReply): FastifyReply =>
  sendProblem(reply, 'not_found', 'there is no such stream, or it had no event then')
