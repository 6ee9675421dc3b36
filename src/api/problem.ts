import type { FastifyReply } from 'fastify'

/** Why a request over HTTP was not served. Stable; `docs/errors.md` explains each. */
export const problemCodes = [
  'unauthorized',
  'origin_not_allowed',
  'not_found',
  'unknown_command',
  'malformed_request',
  'too_large',
  'too_many_in_flight',
  'read_model_behind',
  'read_model_unavailable',
  'internal',
] as const
export type ProblemCode = (typeof problemCodes)[number]

const statuses: Record<ProblemCode, number> = {
  unauthorized: 401,
  origin_not_allowed: 403,
  not_found: 404,
  unknown_command: 404,
  malformed_request: 400,
  too_large: 413,
  too_many_in_flight: 429,
  read_model_behind: 503,
  read_model_unavailable: 503,
  internal: 500,
}

export type Problem = {
  status: number
  code: string
  detail: string
  /** The figures that explain it. */
  details?: Record<string, string | number>
  /** After how long it is worth asking again. */
  retryAfterSeconds?: number
}

/** Answers with `application/problem+json` (RFC 9457) and a stable code. */
export function sendProblem(reply: FastifyReply, code: ProblemCode, detail: string): FastifyReply {
  return answerProblem(reply, { status: statuses[code], code, detail, ...(statuses[code] === 503 || statuses[code] === 429 ? { retryAfterSeconds: 1 } : {}) })
}

/** The same, for codes that other layers have given. */
export function answerProblem(reply: FastifyReply, { status, code, detail, details, retryAfterSeconds }: Problem): FastifyReply {
  if (status === 401) void reply.header('www-authenticate', 'Bearer')
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', retryAfterSeconds)
  return reply
    .code(status)
    .type('application/problem+json')
    .send({ type: `/docs/errors.md#${code}`, title: code.replaceAll('_', ' '), status, code, detail, ...(details && { details }) })
}
