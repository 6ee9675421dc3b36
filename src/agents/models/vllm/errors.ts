/** Maps failures of vLLM servers to ModelErrors. */

import { ModelError } from '../model.ts'
import { problemIn, shortened, type Problem } from './wire.ts'

/** Maps a response whose status is not 200. `body` holds at most its first 64 KiB and may be JSON, HTML or empty. */
export function errorOfResponse(url: string, status: number, body: string): ModelError {
  const problem = problemIn(parsed(body)) ?? {
    message: shortened(body.trim()),
    param: '',
    from: 'web' as const,
    status: null,
  }
  const said = `${url} answered ${status}${problem.message === '' ? '' : `: ${problem.message}`}`
  if (status === 401 || status === 403) return new ModelError('model_unauthorized', `${said}. Check VLLM_API_KEY.`)
  if (status === 404) return notFound(said, problem)
  if (status === 408) return new ModelError('model_timeout', said)
  if (status === 413 || (status === 400 && tooLong(problem))) return new ModelError('prompt_too_long', said)
  if (status === 429) return new ModelError('model_overloaded', said)
  if (status >= 400 && status < 500) return new ModelError('model_rejected', said)
  return new ModelError('model_unavailable', said)
}

/** Maps a request without a response: refused, reset, unknown host, connect timeout. `cause` is undici's error. */
export function errorBeforeAnswer(url: string, cause: unknown): ModelError {
  if (cause instanceof ModelError) return cause
  return new ModelError('model_unavailable', `${url} cannot be reached: ${describe(cause)}`, { cause })
}

/** Whether the server closed a kept-alive connection. It never read the request, so a retry is safe. */
export function wasReset(error: unknown): boolean {
  if (!(error instanceof ModelError) || error.code !== 'model_unavailable') return false
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(error.cause))
}

/** Whether the call may fail over to another server, provided that it has yielded no chunk. */
export function mayDoBetterElsewhere(error: unknown): boolean {
  if (!(error instanceof ModelError)) return false
  switch (error.code) {
    case 'model_unavailable':
    case 'model_timeout':
    case 'model_interrupted':
    case 'model_overloaded':
      return true
    case 'model_unauthorized':
    case 'model_unknown':
    case 'prompt_too_long':
    case 'empty_answer':
    case 'answer_filtered':
    case 'model_rejected':
    case 'model_cancelled':
      return false
    default:
      return error.code satisfies never
  }
}

/** A 404 of the engine means an unknown model. A 404 of the web layer means an unknown path: the URL is not a chat server's. */
function notFound(said: string, problem: Problem): ModelError {
  if (problem.from === 'engine')
    return new ModelError('model_unknown', `${said}. Check VLLM_MODEL and config/council.json.`)
  return new ModelError('model_unavailable', `${said}. Is VLLM_URL the base URL of a vLLM server?`)
}

const tooLong = (problem: Problem): boolean =>
  problem.param === 'input_tokens' || /maximum context length|max_model_len/.test(problem.message)

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''

/** Describes a transport error in one line. Parallel connection attempts fail with an AggregateError, whose message is empty. */
export function describe(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return describe(cause.errors[0])
  if (!(cause instanceof Error)) return 'unknown error'
  const code = codeOf(cause)
  return code === '' || cause.message.includes(code) ? cause.message : `${cause.message} (${code})`
}
