import type { FastifyReply } from 'fastify'
import type { AnswerFailureCode } from '../../events/chat.ts'
import type { Problem } from '../problem.ts'

/** Codes of OpenAI's API, and codes that only its routes send. Stable; `docs/errors.md` explains each. */
export const openAiErrorCodes = [
  'invalid_api_key',
  'model_not_found',
  'insufficient_quota',
  'rate_limit_exceeded',
  'context_length_exceeded',
  'content_filter',
  'invalid_type',
  'missing_required_parameter',
  'unknown_parameter',
  'unsupported_parameter',
  'unsupported_value',
  'approval_pending',
  'prompt_cancelled',
] as const
export type OpenAiErrorCode = (typeof openAiErrorCodes)[number]

/** `{error: {message, type, param, code}}`, as OpenAI's clients expect it. */
export type OpenAiError = {
  status: number
  type: 'invalid_request_error' | 'insufficient_quota' | 'rate_limit_error' | 'permission_error' | 'server_error'
  code: string
  message: string
  /** The parameter at fault. */
  param: string | null
  /** Whether the same request may succeed at once; OpenAI's clients then send it again by themselves. */
  mayRetry: boolean
  retryAfterSeconds?: number
}

/** The body of an error, and its event in a stream. */
export const errorBody = ({ message, type, param, code }: OpenAiError) => ({ error: { message, type, param, code } })

export function sendError(reply: FastifyReply, error: OpenAiError): FastifyReply {
  const { status, mayRetry, retryAfterSeconds } = error
  if (status === 401) void reply.header('www-authenticate', 'Bearer')
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', retryAfterSeconds)
  return reply.code(status).header('x-should-retry', String(mayRetry)).send(errorBody(error))
}

/** A request that cannot be served as it is. */
export const requestError = (code: OpenAiErrorCode, param: string | null, message: string): OpenAiError => ({
  status: code === 'model_not_found' ? 404 : 400,
  type: 'invalid_request_error',
  code,
  message,
  param,
  mayRetry: false,
})

/** These last until a person intervenes, or until the day of a budget ends. */
const lasting = ['log_stopped', 'budget_exceeded']

/** A problem of the API in OpenAI's form, under OpenAI's code where it has one. */
export function errorOf({ status, code, detail: message, retryAfterSeconds }: Problem): OpenAiError {
  const common = { status, message, param: null, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) }
  const mayRetry = (status === 429 || status === 503) && !lasting.includes(code)
  if (status === 401) return { ...common, type: 'invalid_request_error', code: invalidKey, mayRetry: false }
  if (status === 403) return { ...common, type: 'permission_error', code, mayRetry: false }
  if (status === 429) return { ...common, type: 'rate_limit_error', code: rateLimited, mayRetry }
  return { ...common, type: status < 500 ? 'invalid_request_error' : 'server_error', code, mayRetry }
}

/** Ends the answers of a server that stops. */
export const stoppingError: OpenAiError = {
  status: 503,
  type: 'server_error',
  param: null,
  code: 'stopping',
  message: 'the server is stopping; the answer goes on, and the same request under its Idempotency-Key gets it',
  mayRetry: true,
  retryAfterSeconds: 1,
}

const invalidKey: OpenAiErrorCode = 'invalid_api_key'
const rateLimited: OpenAiErrorCode = 'rate_limit_exceeded'
const quota: OpenAiErrorCode = 'insufficient_quota'

type Kind = Pick<OpenAiError, 'status' | 'type' | 'mayRetry'> & { code?: OpenAiErrorCode }
const failed: Kind = { status: 500, type: 'server_error', mayRetry: false }
const unavailable: Kind = { status: 503, type: 'server_error', mayRetry: false }
const denied: Kind = { status: 403, type: 'permission_error', mayRetry: false }
const refused: Kind = { status: 400, type: 'invalid_request_error', mayRetry: false }

/** Ends the answers of a client whose token was revoked or has expired. */
export const revokedError: OpenAiError = errorOf({
  status: 401,
  code: invalidKey,
  detail: 'the token was revoked or has expired',
})

/** How an answer that failed is reported. The prompt has ended, so only another one may succeed. */
const failures: Record<AnswerFailureCode, Kind> = {
  budget_exceeded: { status: 429, type: 'insufficient_quota', code: quota, mayRetry: false },
  model_overloaded: { ...unavailable, mayRetry: true },
  model_unavailable: unavailable,
  model_timeout: unavailable,
  treasury_frozen: unavailable,
  prompt_too_long: { ...refused, code: 'context_length_exceeded' },
  answer_filtered: { ...refused, code: 'content_filter' },
  answer_denied: denied,
  approval_expired: denied,
  crashed: failed,
  interrupted: failed,
  model_unauthorized: failed,
  model_unknown: failed,
  model_rejected: failed,
  model_unpriced: failed,
  empty_answer: failed,
  internal: failed,
}

/** The error of an answer that failed. */
export function failureError(code: string, message: string): OpenAiError {
  const kind = Object.hasOwn(failures, code) ? failures[code as AnswerFailureCode] : failed
  return { param: null, message, ...kind, code: kind.code ?? code }
}
