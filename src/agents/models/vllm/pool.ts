/** Chooses among several vLLM servers. */

import type { Logger } from '../../../platform/logger.ts'
import { ModelError, type ModelCall, type ModelChunk } from '../model.ts'
import type { Slots } from '../slots.ts'
import type { OpenAnswer } from './answer.ts'
import { mayDoBetterElsewhere } from './errors.ts'
import type { VllmServer } from './server.ts'

/** A server, and the bound on the calls to it. */
export type PooledServer = { server: VllmServer; slots: Slots }
export type Pool = readonly PooledServer[]

/**
 * Yields the answer of the first server that begins one. The server with the fewest calls is asked first; a server that does not serve
 * the model is asked last, because it may serve the model by now.
 */
export async function* answerFrom(
  pool: Pool,
  model: string | undefined,
  call: ModelCall,
  signal: AbortSignal,
  logger: Logger,
): AsyncGenerator<ModelChunk, void, void> {
  const isLast = ({ server }: PooledServer) => Number(server.serves(model) === false)
  const candidates = pool.toSorted((a, b) => isLast(a) - isLast(b) || a.slots.load() - b.slots.load())
  const answer = await openAnswer(candidates, model, call, signal, logger)
  try {
    yield answer.first
    yield* answer.rest
  } finally {
    await answer.rest.return()
    answer.release()
  }
}

type TakenAnswer = OpenAnswer & { release: () => void }

/** Opens the call on one server after another. The caller releases the answer's slot. */
async function openAnswer(
  candidates: Pool,
  model: string | undefined,
  call: ModelCall,
  signal: AbortSignal,
  logger: Logger,
): Promise<TakenAnswer> {
  const failures: ModelError[] = []
  for (const pooled of candidates) {
    try {
      return await openOn(pooled, model, call, signal)
    } catch (error) {
      if (signal.aborted || !(error instanceof ModelError)) throw error
      const { code, message } = error
      if (code !== 'model_unknown' && !mayDoBetterElsewhere(error)) throw error
      if (code !== 'model_unknown')
        logger.warn({ url: pooled.server.url, code, reason: message }, 'model server failed before it answered')
      failures.push(error)
    }
  }
  throw combined(failures)
}

async function openOn(
  { server, slots }: PooledServer,
  model: string | undefined,
  call: ModelCall,
  signal: AbortSignal,
): Promise<TakenAnswer> {
  const { release } = await slots.take(signal)
  // A cancelled call has no socket any more, so its slot is free even if its reader never returns.
  signal.addEventListener('abort', release, { once: true })
  try {
    return { ...(await server.open(call, model, signal)), release }
  } catch (error) {
    release()
    throw error
  }
}

/** Returns the first successful reply. Servers that are known to serve the model are asked first, the ones that do not serve it last. */
export async function firstOf<T>(
  pool: Pool,
  model: string | undefined,
  ask: (server: VllmServer) => Promise<T>,
): Promise<T> {
  const rank = ({ server }: PooledServer) => ({ true: 0, undefined: 1, false: 2 })[`${server.serves(model)}`]
  const failures: ModelError[] = []
  for (const { server } of pool.toSorted((a, b) => rank(a) - rank(b))) {
    try {
      return await ask(server)
    } catch (error) {
      if (!(error instanceof ModelError)) throw error
      failures.push(error)
    }
  }
  throw combined(failures)
}

/** Combines several failures into one whose message names them all. A server without the model counts only if there is no other failure. */
export function combined(failures: readonly ModelError[]): ModelError {
  const known = failures.filter(({ code }) => code !== 'model_unknown')
  const [first, ...others] = known.length > 0 ? known : failures
  if (first === undefined) throw new Error('no failure to report')
  if (others.length === 0) return first
  const code = others.every((other) => other.code === first.code) ? first.code : 'model_unavailable'
  return new ModelError(code, [first, ...others].map(({ message }) => message).join(' '), { cause: first })
}
