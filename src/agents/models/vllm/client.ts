import type { Logger } from '../../../platform/logger.ts'
import { orAborted } from '../abort.ts'
import {
  ModelError,
  type ModelCall,
  type ModelChunk,
  type ModelClient,
  type ModelHealth,
  type ModelInfo,
} from '../model.ts'
import { promptTokensAtMost } from '../prompt-bound.ts'
import { createSlots } from '../slots.ts'
import type { OpenAnswer } from './answer.ts'
import { mayDoBetterElsewhere } from './errors.ts'
import { createVllmServer, type VllmServer } from './server.ts'

export type VllmClientOptions = {
  /** One or several base URLs; a trailing `/v1` is optional. All serve the same model. */
  urls: readonly string[]
  /** Which of the server's models; not needed where it serves only one. */
  model?: string
  apiKey?: string
  connectTimeoutMs: number
  /** From sending a call to the first chunk of its answer: queueing and prefill, during which vLLM is silent. */
  firstByteTimeoutMs: number
  /** The longest silence in the middle of an answer. */
  idleTimeoutMs: number
  /** Calls at a time over all servers: vLLM's own queue has no end, so the limit is here. */
  concurrency: number
  /** Calls that may wait for their turn; more are refused with `model_overloaded`. */
  maxQueued: number
  logger: Logger
  /** How long a server that failed three times in a row is left alone at first. */
  leaveAloneMs?: number
}

/**
 * A client of one or several vLLM servers; the rules come from what vLLM 0.32 was seen to do (tests/vectors/vllm).
 * A call goes to the server with the fewest open answers and moves to the next one only while no chunk of its answer was handed out.
 */
export function createVllmClient(options: VllmClientOptions): ModelClient {
  const { urls, logger, leaveAloneMs = 5_000, concurrency } = options
  if (urls.length === 0) throw new Error('a vLLM client needs at least one URL')
  const servers = urls.map((url) => ({
    server: createVllmServer({ ...options, url, connections: concurrency, leaveAloneMs }),
    open: 0,
  }))
  const slots = createSlots(concurrency, options.maxQueued)
  const running = new Set<AbortController>()
  let closed = false

  type Busy = (typeof servers)[number]

  /** Opens the call on one server after another; `busy` is the one that answers and must be counted down. */
  async function openSomewhere(call: ModelCall, signal: AbortSignal): Promise<{ answer: OpenAnswer; busy: Busy }> {
    const log = logger.child({ requestId: call.requestId })
    const candidates = servers.toSorted((a, b) => a.open - b.open)
    const failures: ModelError[] = []
    for (const busy of candidates) {
      busy.open += 1
      try {
        return { answer: await busy.server.open(call, signal), busy }
      } catch (error) {
        busy.open -= 1
        if (signal.aborted || !(error instanceof ModelError) || !mayDoBetterElsewhere(error)) throw error
        log.warn(
          { url: busy.server.url, code: error.code, reason: error.message },
          'model server failed before it answered',
        )
        failures.push(error)
      }
    }
    throw combined(failures)
  }

  async function* stream(call: ModelCall): AsyncGenerator<ModelChunk, void, void> {
    if (closed) throw new ModelError('model_unavailable', 'The model client is closed.')
    const stop = new AbortController()
    const cancel = () => stop.abort(new ModelError('model_cancelled', 'The call was cancelled.'))
    if (call.signal.aborted) cancel()
    else call.signal.addEventListener('abort', cancel, { once: true })
    running.add(stop)
    try {
      const slot = await slots.take(stop.signal)
      // A cancelled call has no socket any more, so its place is free even if its reader never looks again.
      stop.signal.addEventListener('abort', slot.release, { once: true })
      try {
        const { answer, busy } = await openSomewhere(call, stop.signal)
        try {
          yield answer.first
          yield* answer.rest
        } finally {
          busy.open -= 1
          await answer.rest.return()
        }
      } finally {
        slot.release()
      }
    } finally {
      running.delete(stop)
      call.signal.removeEventListener('abort', cancel)
    }
  }

  return {
    stream,
    promptTokensAtMost,
    countPromptTokens: (messages, signal) =>
      orAborted(
        firstOf(
          servers.map(({ server }) => server),
          (server) => server.countTokens(messages, signal),
        ),
        signal,
      ).catch((error: unknown) => {
        throw error instanceof ModelError
          ? error
          : new ModelError('model_cancelled', 'The tokens were not counted in time.', { cause: error })
      }),
    info: () =>
      firstOf(
        servers.map(({ server }) => server),
        (server) => server.info(new AbortController().signal),
      ),
    health: () => healthOf(servers.map(({ server }) => server)),
    close: async () => {
      closed = true
      for (const stop of running) stop.abort(new ModelError('model_interrupted', 'The model client was closed.'))
      await Promise.all(servers.map(({ server }) => server.close()))
    },
  }
}

/** One failure as it is; several as one that names them all. */
function combined(failures: readonly ModelError[]): ModelError {
  const [first, ...others] = failures
  if (first !== undefined && others.length === 0) return first
  const code =
    first !== undefined && others.every((other) => other.code === first.code) ? first.code : 'model_unavailable'
  return new ModelError(code, failures.map(({ message }) => message).join(' '), { cause: first })
}

/** What the first server says that says anything; the first failure when none does. */
async function firstOf<T>(servers: readonly VllmServer[], ask: (server: VllmServer) => Promise<T>): Promise<T> {
  let failure: unknown
  for (const server of servers) {
    try {
      return await ask(server)
    } catch (error) {
      failure ??= error
    }
  }
  throw failure
}

/** `pass` when every server is well, `warn` when some are, `fail` when none is. */
async function healthOf(servers: readonly VllmServer[]): Promise<ModelHealth> {
  const never = new AbortController().signal
  const results = await Promise.allSettled(
    servers.map(async (server): Promise<ModelInfo> => {
      await server.probe(never)
      return server.info(never)
    }),
  )
  const well = results.find((result) => result.status === 'fulfilled')
  const ill = results.find((result) => result.status === 'rejected')
  if (well && !ill) return { status: 'pass', info: well.value }
  const error: unknown = ill?.reason
  const code = error instanceof ModelError ? error.code : 'model_unavailable'
  const message = error instanceof Error ? error.message : 'The model server cannot be reached.'
  return { status: well ? 'warn' : 'fail', code, message }
}
