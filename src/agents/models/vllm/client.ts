/** The model client of one or several vLLM servers. */

import type { Logger } from '../../../platform/logger.ts'
import { countedInTime } from '../abort.ts'
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
import { answerFrom, combined, firstOf, type Pool } from './pool.ts'
import { createVllmServer } from './server.ts'

export type VllmClientOptions = {
  /** One or several base URLs, with or without a trailing `/v1`. Each may serve other models. */
  urls: readonly string[]
  /** The model of the client. Without it, every server must serve only one, and all the same. */
  model?: string
  apiKey?: string
  connectTimeoutMs: number
  /** From sending a call to its first chunk. It covers queueing and prefill, during which vLLM sends nothing. */
  firstByteTimeoutMs: number
  /** The longest silence after the first chunk. */
  idleTimeoutMs: number
  /** Concurrent calls to one server, for all of its models together. vLLM's own queue is unbounded, so the bound is here. */
  concurrency: number
  /** Calls that may wait for one server; further calls fail with `model_overloaded`. */
  maxQueued: number
  logger: Logger
  /** How long the circuit breaker of a server stays open the first time, after three failures in a row. */
  leaveAloneMs?: number
}

/** The client of the default model, and of the other models on the same servers. */
export type VllmClient = ModelClient & {
  /** A client of the named model, on the servers that serve it. It shares connections and limits with this client, which closes it. */
  modelOf: (name: string) => ModelClient
}

/**
 * Creates a client of one or several vLLM servers. Its rules follow the recorded behaviour of vLLM 0.32 (tests/vectors/vllm).
 * A call goes to the server with the fewest calls. It fails over to the next server only before its first chunk.
 */
export function createVllmClient(options: VllmClientOptions): VllmClient {
  const { urls, logger, leaveAloneMs = 5_000, concurrency, maxQueued } = options
  if (urls.length === 0) throw new Error('a vLLM client needs at least one URL')
  const pool = urls.map((url) => ({
    server: createVllmServer({ ...options, url, connections: concurrency, leaveAloneMs }),
    slots: createSlots(concurrency, maxQueued),
  }))
  const running = new Set<AbortController>()
  let isClosed = false

  async function* stream(model: string | undefined, call: ModelCall): AsyncGenerator<ModelChunk, void, void> {
    if (isClosed) throw new ModelError('model_unavailable', 'The model client is closed.')
    const stop = new AbortController()
    const cancel = () => stop.abort(new ModelError('model_cancelled', 'The call was cancelled.'))
    if (call.signal.aborted) cancel()
    else call.signal.addEventListener('abort', cancel, { once: true })
    running.add(stop)
    try {
      yield* answerFrom(pool, model, call, stop.signal, logger.child({ requestId: call.requestId }))
    } finally {
      running.delete(stop)
      call.signal.removeEventListener('abort', cancel)
    }
  }

  const clientOf = (model: string | undefined): Omit<ModelClient, 'close'> => ({
    stream: (call) => stream(model, call),
    promptTokensAtMost,
    countPromptTokens: (messages, signal) =>
      countedInTime(
        firstOf(pool, model, (server) => server.countTokens(messages, model, signal)),
        signal,
      ),
    info: () => firstOf(pool, model, (server) => server.info(model, new AbortController().signal)),
    health: () => healthOf(pool, model),
  })

  return {
    ...clientOf(options.model),
    modelOf: (name) => ({ ...clientOf(name), close: () => Promise.resolve() }),
    close: async () => {
      isClosed = true
      for (const stop of running) stop.abort(new ModelError('model_interrupted', 'The model client was closed.'))
      await Promise.all(pool.map(({ server }) => server.close()))
    },
  }
}

/**
 * `pass` when every server that may serve the model is healthy, `warn` when some are, `fail` when none is. Without a name, servers of
 * different models are a fault too: answers would come from any of them.
 */
async function healthOf(pool: Pool, model: string | undefined): Promise<ModelHealth> {
  const never = new AbortController().signal
  const results = await Promise.all(
    pool.map(async ({ server }) => {
      try {
        await server.probe(never)
        return await server.info(model, never)
      } catch (error) {
        if (error instanceof ModelError) return error
        throw error
      }
    }),
  )
  const [first, ...others] = results.filter((result): result is ModelInfo => !(result instanceof ModelError))
  const failures = results.filter((result) => result instanceof ModelError)
  const isElsewhere = ({ code }: ModelError) => first !== undefined && model !== undefined && code === 'model_unknown'
  const faults = failures.filter((failure) => !isElsewhere(failure))
  if (first === undefined || faults.length > 0) {
    const { code, message } = combined(faults)
    return { status: first ? 'warn' : 'fail', code, message }
  }
  const other = others.find((info) => info.model !== first.model)
  if (other === undefined) return { status: 'pass', info: first }
  const message = `The servers of VLLM_URL serve ${first.model} and ${other.model}, and VLLM_MODEL names none of them.`
  return { status: 'warn', code: 'model_unknown', message }
}
