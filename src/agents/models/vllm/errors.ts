import { ModelError } from '../model.ts'
import { problemIn, shortened, type Problem } from './wire.ts'

/** An answer whose status is not 200, as a ModelError. `body` is at most the first 64 KiB; it may be JSON, HTML or nothing. */
export function errorOfResponse(url: string, status: number, body: string): ModelError {
  const problem = problemIn(parsed(body)) ?? { message: shortened(body.trim()), param: '', from: 'web' as const }
  const said = `${url} answered ${status}${problem.message === '' ? '' : `: ${problem.message}`}`
  if (status === 401 || status === 403) return new ModelError('model_unauthorized', `${said}. Check VLLM_API_KEY.`)
  if (status === 404) return notFound(said, problem)
  if (status === 408) return new ModelError('model_timeout', said)
  if (status === 413 || (status === 400 && tooLong(problem))) return new ModelError('prompt_too_long', said)
  if (status === 429) return new ModelError('model_overloaded', said)
  if (status >= 400 && status < 500) return new ModelError('model_rejected', said)
  return new ModelError('model_unavailable', said)
}

/** A request that got no answer: refused, reset, unknown host, connect timeout. `cause` is what undici threw. */
export function errorBeforeAnswer(url: string, cause: unknown): ModelError {
  if (cause instanceof ModelError) return cause
  return new ModelError('model_unavailable', `${url} cannot be reached: ${describe(cause)}`, { cause })
}

/** Whether the server closed a connection that had been kept open: it never saw the request, so it may be sent again. */
export function wasReset(error: unknown): boolean {
  if (!(error instanceof ModelError) || error.code !== 'model_unavailable') return false
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(error.cause))
}

/** Whether another server may do better, as long as nothing of the answer was handed out. */
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

/** The engine's 404 is about the model; the web layer's is about the path: no chat server lives at this URL. */
function notFound(said: string, problem: Problem): ModelError {
  if (problem.from === 'engine') return new ModelError('model_unknown', `${said}. Check VLLM_MODEL.`)
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

/** One line about a transport error. Several addresses tried at once come as an AggregateError with an empty message. */
export function describe(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return describe(cause.errors[0])
  if (!(cause instanceof Error)) return 'unknown error'
  const code = codeOf(cause)
  return code === '' || cause.message.includes(code) ? cause.message : `${cause.message} (${code})`
}
