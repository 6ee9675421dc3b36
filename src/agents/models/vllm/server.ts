/** One vLLM server: its model list, circuit breaker, tokenizer and answers. */

import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  ConstantBackoff,
  ExponentialBackoff,
  handleWhen,
  retry,
} from 'cockatiel'
import { orAborted, within } from '../abort.ts'
import { ModelError, type ChatMessage, type ModelCall } from '../model.ts'
import { openAnswer, type AnswerLimits, type OpenAnswer } from './answer.ts'
import { mayDoBetterElsewhere, wasReset } from './errors.ts'
import { createServedModels, type ServedModels } from './model-list.ts'
import { createTransport, type TransportOptions } from './transport.ts'
import { Tokenized, tokenizeRequest } from './wire.ts'

const maxListMs = 10_000

export type VllmServerOptions = TransportOptions &
  AnswerLimits & {
    /** How long the circuit breaker stays open after three failures in a row. Doubles with every further failure, up to a minute. */
    leaveAloneMs: number
  }

/**
 * One vLLM server; `pool.ts` chooses among several. `model` names one of its models, and is undefined for the only one. Every promise
 * rejects with a ModelError or the signal's reason.
 */
export type VllmServer = {
  url: string
  /** Sends the call and waits for the first chunk. Retries once if the server closed a kept-alive connection. */
  open: (call: ModelCall, model: string | undefined, signal: AbortSignal) => Promise<OpenAnswer>
  /** The model's name and window, from `/v1/models`. Cached until a failure. */
  info: ServedModels['find']
  /** Whether the server serves the model, according to the cached list. */
  serves: ServedModels['contains']
  /** Counts the tokens of a prompt with `/tokenize`, which not every server of this protocol has. */
  countTokens: (messages: readonly ChatMessage[], model: string | undefined, signal: AbortSignal) => Promise<number>
  /** Resolves when the engine reports that it is healthy, within the connect timeout. */
  probe: (signal: AbortSignal) => Promise<void>
  close: () => Promise<void>
}

export function createVllmServer(options: VllmServerOptions): VllmServer {
  const { connectTimeoutMs, firstByteTimeoutMs, leaveAloneMs } = options
  const transport = createTransport(options)
  const { url } = transport
  // The list needs no engine, so a slow response is a failure.
  const listTimeoutMs = Math.min(firstByteTimeoutMs, maxListMs)

  const breaker = circuitBreaker(handleWhen(isBroken), {
    breaker: new ConsecutiveBreaker(3),
    halfOpenAfter: new ExponentialBackoff({ initialDelay: leaveAloneMs, maxDelay: Math.max(60_000, leaveAloneMs) }),
  })
  const again = retry(handleWhen(wasReset), { maxAttempts: 1, backoff: new ConstantBackoff(0) })

  const tooSlow = (what: string, timeoutMs: number) => () =>
    new ModelError('model_timeout', `${url}${what} did not answer within ${timeoutMs} ms.`)

  const probe = (signal: AbortSignal) =>
    within(connectTimeoutMs, tooSlow('/health', connectTimeoutMs), signal, (limited) => transport.probe(limited))

  /** All concurrent callers share the request, so it follows no caller's signal. */
  const models = createServedModels(url, () =>
    within(listTimeoutMs, tooSlow('/v1/models', listTimeoutMs), new AbortController().signal, (limited) =>
      transport.getJson('/v1/models', limited),
    ),
  )
  const modelName = async (model: string | undefined, signal: AbortSignal) => (await models.find(model, signal)).model

  /** A half-open breaker probes the health page first, so that no call is risked. */
  async function guarded(call: ModelCall, model: string | undefined, signal: AbortSignal): Promise<OpenAnswer> {
    if (breaker.state !== CircuitState.Closed) await breaker.execute(() => probe(signal))
    const name = (limited: AbortSignal) => modelName(model, limited)
    return again.execute(() => breaker.execute(() => openAnswer(transport, call, name, options, signal)))
  }

  async function countTokens(
    messages: readonly ChatMessage[],
    model: string | undefined,
    signal: AbortSignal,
  ): Promise<number> {
    const counted = Tokenized.safeParse(
      await transport.postForJson('/tokenize', tokenizeRequest(messages, await modelName(model, signal)), signal),
    )
    if (!counted.success)
      throw new ModelError('model_unavailable', `${url}/tokenize did not answer with a count.`, {
        cause: counted.error,
      })
    return counted.data.count
  }

  return {
    url,
    info: models.find,
    serves: models.contains,
    countTokens: (messages, model, signal) =>
      within(listTimeoutMs, tooSlow('/tokenize', listTimeoutMs), signal, (limited) =>
        countTokens(messages, model, limited),
      ),
    probe,
    open: async (call, model, signal) => {
      try {
        return await orAborted(guarded(call, model, signal), signal)
      } catch (error) {
        if (error instanceof BrokenCircuitError)
          throw new ModelError('model_unavailable', `${url} failed repeatedly and is not used for a while.`, {
            cause: breaker.lastFailure,
          })
        if (mayDoBetterElsewhere(error) || (error instanceof ModelError && error.code === 'model_unknown'))
          models.forget()
        throw error
      }
    },
    close: () => transport.close(),
  }
}

/** An overloaded server is not broken. */
const isBroken = (error: unknown): boolean =>
  mayDoBetterElsewhere(error) && !(error instanceof ModelError && error.code === 'model_overloaded')
