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
import type { OpenAnswer } from './answer.ts'
import { mayDoBetterElsewhere } from './errors.ts'
import { createVllmServer, type VllmServer } from './server.ts'

export type VllmClientOptions = {
  /** One or several base URLs, with or without a trailing `/v1`. All serve the same model. */
  urls: readonly string[]
  /** Selects one of the server's models. Optional if the server has only one. */
  model?: string
  apiKey?: string
  connectTimeoutMs: number
  /** From sending a call to its first chunk. It covers queueing and prefill, during which vLLM sends nothing. */
  firstByteTimeoutMs: number
  /** The longest silence after the first chunk. */
  idleTimeoutMs: number
  /** Concurrent calls over all servers. vLLM's own queue is unbounded, so the bound is here. */
  concurrency: number
  /** Calls that may wait for a slot; further calls fail with `model_overloaded`. */
  maxQueued: number
  logger: Logger
  /** How long the circuit breaker of a server stays open the first time, after three failures in a row. */
  leaveAloneMs?: number
}

type PooledServer = { server: VllmServer; openAnswers: number }

/**
 * Creates a client of one or several vLLM servers. Its rules follow the recorded behaviour of vLLM 0.32 (tests/vectors/vllm).
 * A call goes to the server with the fewest open answers. It fails over to the next server only before its first chunk.
 */
export function createVllmClient(options: VllmClientOptions): ModelClient {
  const { urls, logger, leaveAloneMs = 5_000, concurrency } = options
  if (urls.length === 0) throw new Error('a vLLM client needs at least one URL')
  const servers = urls.map((url) => createVllmServer({ ...options, url, connections: concurrency, leaveAloneMs }))
  const pool = servers.map((server): PooledServer => ({ server, openAnswers: 0 }))
  const slots = createSlots(concurrency, options.maxQueued)
  const running = new Set<AbortController>()
  let isClosed = false

  async function* stream(call: ModelCall): AsyncGenerator<ModelChunk, void, void> {
    if (isClosed) throw new ModelError('model_unavailable', 'The model client is closed.')
    const stop = new AbortController()
    const cancel = () => stop.abort(new ModelError('model_cancelled', 'The call was cancelled.'))
    if (call.signal.aborted) cancel()
    else call.signal.addEventListener('abort', cancel, { once: true })
    running.add(stop)
    try {
      const slot = await slots.take(stop.signal)
      // A cancelled call has no socket any more, so its slot is free even if its reader never returns.
      stop.signal.addEventListener('abort', slot.release, { once: true })
      try {
        yield* answerFrom(pool, call, stop.signal, logger.child({ requestId: call.requestId }))
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
      countedInTime(
        firstOf(servers, (server) => server.countTokens(messages, signal)),
        signal,
      ),
    info: () => firstOf(servers, (server) => server.info(new AbortController().signal)),
    health: () => healthOf(servers),
    close: async () => {
      isClosed = true
      for (const stop of running) stop.abort(new ModelError('model_interrupted', 'The model client was closed.'))
      await Promise.all(servers.map((server) => server.close()))
    },
  }
}

/** Yields the answer of the first server that begins one. */
async function* answerFrom(
  pool: readonly PooledServer[],
  call: ModelCall,
  signal: AbortSignal,
  logger: Logger,
): AsyncGenerator<ModelChunk, void, void> {
  const { answer, pooled } = await openAnswer(pool, call, signal, logger)
  try {
    yield answer.first
    yield* answer.rest
  } finally {
    pooled.openAnswers -= 1
    await answer.rest.return()
  }
}

/** Opens the call on one server after another. The caller decrements `openAnswers` of the returned one. */
async function openAnswer(
  pool: readonly PooledServer[],
  call: ModelCall,
  signal: AbortSignal,
  logger: Logger,
): Promise<{ answer: OpenAnswer; pooled: PooledServer }> {
  const failures: ModelError[] = []
  for (const pooled of pool.toSorted((a, b) => a.openAnswers - b.openAnswers)) {
    pooled.openAnswers += 1
    try {
      return { answer: await pooled.server.open(call, signal), pooled }
    } catch (error) {
      pooled.openAnswers -= 1
      if (signal.aborted || !(error instanceof ModelError) || !mayDoBetterElsewhere(error)) throw error
      logger.warn(
        { url: pooled.server.url, code: error.code, reason: error.message },
        'model server failed before it answered',
      )
      failures.push(error)
    }
  }
  throw combined(failures)
}

/** Combines several failures into one whose message names them all. */
function combined(failures: readonly ModelError[]): ModelError {
  const [first, ...others] = failures
  if (first !== undefined && others.length === 0) return first
  const code =
    first !== undefined && others.every((other) => other.code === first.code) ? first.code : 'model_unavailable'
  return new ModelError(code, failures.map(({ message }) => message).join(' '), { cause: first })
}

/** Returns the first successful reply; throws the first failure when every server fails. */
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

/** `pass` when every server is healthy, `warn` when some are, `fail` when none is. */
async function healthOf(servers: readonly VllmServer[]): Promise<ModelHealth> {
  const never = new AbortController().signal
  const results = await Promise.allSettled(
    servers.map(async (server): Promise<ModelInfo> => {
      await server.probe(never)
      return server.info(never)
    }),
  )
  const healthy = results.find((result) => result.status === 'fulfilled')
  const unhealthy = results.find((result) => result.status === 'rejected')
  if (healthy && !unhealthy) return { status: 'pass', info: healthy.value }
  const error: unknown = unhealthy?.reason
  const code = error instanceof ModelError ? error.code : 'model_unavailable'
  const message = error instanceof Error ? error.message : 'The model server cannot be reached.'
  return { status: healthy ? 'warn' : 'fail', code, message }
}
