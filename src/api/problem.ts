import type { FastifyReply } from 'fastify'

/** Why a request over HTTP was not served. Stable; `docs/errors.md` explains each. */
export const problemCodes = ['unauthorized', 'origin_not_allowed', 'not_found', 'malformed_request', 'too_large', 'internal'] as const
export type ProblemCode = (typeof problemCodes)[number]

const statuses: Record<ProblemCode, number> = {
  unauthorized: 401,
  origin_not_allowed: 403,
  not_found: 404,
  malformed_request: 400,
  too_large: 413,
  internal: 500,
}

/** Answers with `application/problem+json` (RFC 9457) and a stable code. */
export function sendProblem(reply: FastifyReply, code: ProblemCode, detail: string): FastifyReply {
  const status = statuses[code]
  if (code === 'unauthorized') void reply.header('www-authenticate', 'Bearer')
  return reply.code(status).type('application/problem+json').send({ type: `/docs/errors.md#${code}`, title: code.replaceAll('_', ' '), status, code, detail })
}
