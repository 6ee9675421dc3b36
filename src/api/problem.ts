import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'

/** Why a request over HTTP was not served. Stable; `docs/errors.md` explains each. */
export const problemCodes = [
  'unauthorized',
  'scope_missing',
  'token_unchecked',
  'too_many_failed_logins',
  'origin_not_allowed',
  'bearer_needed',
  'not_found',
  'method_not_allowed',
  'unknown_command',
  'malformed_request',
  'request_timeout',
  'too_large',
  'unsupported_media_type',
  'upgrade_required',
  'bad_handshake',
  'subprotocol_unsupported',
  'headers_too_large',
  'http_version_unsupported',
  'stopping',
  'too_many_in_flight',
  'read_model_behind',
  'read_model_unavailable',
  'fold_unfinished',
  'rebuild_running',
  'verification_running',
  'answer_unfinished',
  'receipt_differs',
  'receipt_unsigned',
  'internal',
] as const
export type ProblemCode = (typeof problemCodes)[number]

const statuses: Record<ProblemCode, number> = {
  unauthorized: 401,
  scope_missing: 403,
  token_unchecked: 503,
  too_many_failed_logins: 429,
  origin_not_allowed: 403,
  bearer_needed: 403,
  not_found: 404,
  method_not_allowed: 405,
  unknown_command: 404,
  malformed_request: 400,
  request_timeout: 408,
  too_large: 413,
  unsupported_media_type: 415,
  upgrade_required: 426,
  bad_handshake: 400,
  subprotocol_unsupported: 400,
  headers_too_large: 431,
  http_version_unsupported: 505,
  stopping: 503,
  too_many_in_flight: 429,
  read_model_behind: 503,
  read_model_unavailable: 503,
  fold_unfinished: 503,
  rebuild_running: 409,
  verification_running: 409,
  answer_unfinished: 409,
  receipt_differs: 500,
  receipt_unsigned: 503,
  internal: 500,
}

export type Problem = {
  status: number
  code: string
  detail: string
  /** Figures that explain the problem. */
  details?: Record<string, string | number>
  /** When to retry. */
  retryAfterSeconds?: number
}

/** Answers with `application/problem+json` (RFC 9457) and a stable code. */
export function sendProblem(
  reply: FastifyReply,
  code: ProblemCode,
  detail: string,
  more: Pick<Problem, 'details' | 'retryAfterSeconds'> = {},
): FastifyReply {
  return answerProblem(reply, {
    status: statuses[code],
    code,
    detail,
    ...(statuses[code] === 503 || statuses[code] === 429 ? { retryAfterSeconds: 1 } : {}),
    ...more,
  })
}

/** The response to every request without a valid token, whatever it asks for. */
export const sendUnauthorized = (reply: FastifyReply): FastifyReply =>
  sendProblem(reply, 'unauthorized', 'Authorization: Bearer <token> is needed')

/** A complete response for a connection whose input could not be parsed; the connection closes after it. */
export function printProblem(code: ProblemCode, detail: string): string {
  const status = statuses[code]
  const body = JSON.stringify(problemBody({ status, code, detail }))
  const headers = [
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...(status === 401 ? ['WWW-Authenticate: Bearer'] : []),
  ]
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${headers.join('\r\n')}\r\n\r\n${body}`
}

const problemBody = ({ status, code, detail, details }: Problem) => ({
  type: `/docs/errors.md#${code}`,
  title: code.replaceAll('_', ' '),
  status,
  code,
  detail,
  ...(details && { details }),
})

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Sends the problems of a route in another form than RFC 9457, for clients of another API. */
    sendProblem?: (reply: FastifyReply, problem: Problem) => FastifyReply
  }
}

/** Sends a problem with the code of another layer. */
export function answerProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer')
  if (problem.retryAfterSeconds !== undefined) void reply.header('retry-after', problem.retryAfterSeconds)
  const { sendProblem: sendOther } = reply.routeOptions.config
  if (sendOther) return sendOther(reply, problem)
  return reply.code(problem.status).type('application/problem+json').send(problemBody(problem))
}
