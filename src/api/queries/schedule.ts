import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { clockActionOf } from '../../agents/scheduler/clock-actions.ts'
import { comparePositions, StreamName } from '../../events/identifiers.ts'
import type { Deadline, LogReader } from '../../events/log/log.ts'
import { isoTime } from '../../platform/clock.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { sendLogUnavailable } from '../log/log-problem.ts'
import { sendProblem } from '../problem.ts'
import { After, formatIssues, pageFields, pageOf } from './page.ts'

const Cursor = z
  .string()
  .regex(/^\d{1,15}\/.+$/, 'is no cursor of this list')
  .transform((place): { atMs: number; stream: string } => {
    const slash = place.indexOf('/')
    return { atMs: Number(place.slice(0, slash)), stream: place.slice(slash + 1) }
  })
  .pipe(z.object({ atMs: z.number(), stream: StreamName }))

/** The parameters of `GET /v1/schedule`. */
export const ScheduleParameters = z.strictObject({ after: After, ...pageFields(Cursor) })

/**
 * `GET /v1/schedule`: the clock's next actions, the earliest first. Reads the index of deadlines in Redis, not a read model: every
 * append writes the index with its states, so it is never behind, and `audit verify` compares it with the log.
 */
export function scheduleRoute(server: FastifyInstance, log: Pick<LogReader, 'deadlines' | 'head'>): void {
  server.get('/v1/schedule', { config: { scope: 'events:read' } }, async (request, reply) => {
    const known = ScheduleParameters.safeParse(request.query)
    if (!known.success) return sendProblem(reply, 'malformed_request', formatIssues(known.error))
    const { after, cursor, limit } = known.data
    const read = await schedule(log, cursor, limit).catch(messageOf)
    if (typeof read === 'string') return sendLogUnavailable(reply, read)
    const { head, page, last } = read
    void reply.header('x-council-position', head)
    if (after && comparePositions(head, after) < 0)
      return sendProblem(reply, 'malformed_request', `after: the log ends at ${head}, before ${after}`)
    return reply.send({ schedule: page.map(printDeadline), next: last ? `${last.atMs}/${last.stream}` : null })
  })
}

async function schedule(log: Pick<LogReader, 'deadlines' | 'head'>, after: Deadline | undefined, limit: number) {
  // Read before the index, which then reflects this position or a later one.
  const head = await log.head()
  return { head, ...(await pageOf(limit, (count) => log.deadlines({ limit: count, ...(after && { after }) }))) }
}

const printDeadline = ({ stream, atMs }: Deadline) => ({
  stream,
  action: clockActionOf(stream)?.definition.name ?? null,
  at: isoTime(atMs),
})
