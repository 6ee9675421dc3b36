import { ClientError, isRefused, messageOf } from './client-error.ts'
import { backoffMs, interrupted, pauseFor } from './reconnect.ts'
import { isObject } from './shape.ts'
import { authorization, type ServerAddress } from './server-address.ts'

export type HttpRequest = {
  method: 'GET' | 'POST'
  /** From the root, with its query string. */
  path: string
  headers?: Record<string, string>
  body?: string
  /** For how long to try again, in milliseconds; 0: one try. */
  retryForMs: number
  signal: AbortSignal | undefined
}

export type HttpAnswer = { status: number; headers: Headers; body: unknown }

export type Problem = {
  code: string
  detail: string
  /** Figures that explain the problem. */
  details: Record<string, string | number>
}

/** How long one try may take. */
const answerWithinMs = 30_000
/** Answers after which the same request may succeed. */
const transientStatuses = [429, 502, 503, 504]
/** These last until an operator intervenes. */
const lastingProblems = ['log_stopped']

/**
 * Sends a request, which must be safe to repeat, and again after a transient answer or no answer: after the wait that
 * `Retry-After` asks for, or a growing one, but not beyond `retryForMs`. Returns the last answer; its body is parsed
 * JSON, or null. Throws ClientError `no_council` if nothing listens at the address at the first try, `connection_lost`
 * if no answer came in time (a request that was sent may have been handled), and `interrupted`.
 */
export async function sendRequest(server: ServerAddress, request: HttpRequest): Promise<HttpAnswer> {
  const { retryForMs, signal = new AbortController().signal } = request
  const startedAtMs = performance.now()
  for (let tries = 1; ; tries += 1) {
    if (signal.aborted) throw interrupted()
    const answer = await attempt(server, request, signal)
    if (!(answer instanceof Error) && !isTransient(answer)) return answer
    if (signal.aborted) throw interrupted()
    const waitMs = Math.max(backoffMs(tries), answer instanceof Error ? 0 : retryAfterMs(answer.headers))
    const isNowhere = tries === 1 && isRefused(answer)
    if (!isNowhere && performance.now() - startedAtMs + waitMs <= retryForMs) await pauseFor(waitMs, signal)
    else if (answer instanceof Error)
      throw new ClientError(
        isNowhere ? 'no_council' : 'connection_lost',
        `the council ${server.shownAs} does not answer: ${messageOf(answer)}`,
        answer,
      )
    else return answer
  }
}

async function attempt(
  server: ServerAddress,
  { method, path, headers = {}, body }: HttpRequest,
  signal: AbortSignal,
): Promise<HttpAnswer | Error> {
  try {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { ...authorization(server), ...headers },
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]),
      ...(body !== undefined && { body }),
    })
    return { status: response.status, headers: response.headers, body: parseJson(await response.text()) }
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

const isTransient = (answer: HttpAnswer): boolean =>
  transientStatuses.includes(answer.status) && !lastingProblems.includes(problemOf(answer)?.code ?? '')

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** `Retry-After` in milliseconds (RFC 9110: seconds, or a date); 0 without one. */
function retryAfterMs(headers: Headers): number {
  const value = headers.get('retry-after') ?? ''
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000
  const at = Date.parse(value)
  return Number.isNaN(at) ? 0 : Math.max(0, at - Date.now())
}

/** The problem (RFC 9457) in an answer; null if there is none. */
export function problemOf({ body }: HttpAnswer): Problem | null {
  if (!isObject(body) || typeof body['code'] !== 'string') return null
  const { code, detail, details } = body
  const figures = Object.entries(isObject(details) ? details : {}).filter(
    (entry): entry is [string, string | number] => typeof entry[1] === 'string' || typeof entry[1] === 'number',
  )
  return { code, detail: typeof detail === 'string' ? detail : code, details: Object.fromEntries(figures) }
}

/** The error for an answer that is no success: with the code of its problem, or `unauthorized` or `no_council`. */
export function failureOf(answer: HttpAnswer, { shownAs }: ServerAddress): ClientError {
  const { status } = answer
  const problem = problemOf(answer)
  if (problem) return new ClientError({ fromServer: problem.code, status }, problem.detail)
  if (status === 401 || status === 403)
    return new ClientError('unauthorized', `the council ${shownAs} does not take this token (HTTP ${status})`)
  return new ClientError('no_council', `the server ${shownAs} is not a council (HTTP ${status} without a problem)`)
}
