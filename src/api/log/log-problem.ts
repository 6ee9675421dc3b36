import type { FastifyReply } from 'fastify'
import { answerProblem } from '../problem.ts'

/** The response when the log itself, or the archive, cannot be read. */
export const sendLogUnavailable = (reply: FastifyReply, why: string): FastifyReply =>
  answerProblem(reply, {
    status: 503,
    code: 'log_unavailable',
    detail: `the log cannot be read: ${why}`,
    retryAfterSeconds: 1,
  })
