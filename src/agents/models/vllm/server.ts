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
import { ModelError, type ChatMessage, type ModelCall, type ModelInfo } from '../model.ts'
import { openAnswer, type AnswerLimits, type OpenAnswer } from './answer.ts'
import { mayDoBetterElsewhere, wasReset } from './errors.ts'
import { createTransport, type TransportOptions } from './transport.ts'
import { ModelList, Tokenized, tokenizeRequest } from './wire.ts'

const maxListMs = 10_000

export type VllmServerOptions = TransportOptions &
  AnswerLimits & {
    model?: string
    /** How long the circuit breaker stays open after three failures in a row. Doubles with every further failure, up to a minute. */
    leaveAloneMs: number
  }

/** One vLLM server; `client.ts` chooses among several. Every promise rejects with a ModelError or the signal's reason. */
export type VllmServer = {
  url: string
  /** Sends the call and waits for the first chunk. Retries once if the server closed a kept-alive connection. */
  open: (call: ModelCall, signal: AbortSignal) => Promise<OpenAnswer>
  /** The model's name and window, from `/v1/models`. Cached until a failure. */
  info: (signal: AbortSignal) => Promise<ModelInfo>
  /** Counts the tokens of a prompt with `/tokenize`, which not every server of this protocol has. */
  countTokens: (messages: readonly ChatMessage[], signal: AbortSignal) => Promise<number>
  /** Resolves when the engine reports that it is healthy, within the connect timeout. */
  probe: (signal: AbortSignal) => Promise<void>
  close: () => Promise<void>
}

export function createVllmServer(options: VllmServerOptions): VllmServer {
  const { model, connectTimeoutMs, firstByteTimeoutMs, leaveAloneMs } = options
  const transport = createTransport(options)
  const { url } = transport
  // The list needs no engine, so a slow response is a failure.
  const listTimeoutMs = Math.min(firstByteTimeoutMs, maxListMs)
  let known: Promise<ModelInfo> | undefined

  const breaker = circuitBreaker(handleWhen(isBroken), {
    breaker: new ConsecutiveBreaker(3),
    halfOpenAfter: new ExponentialBackoff({ initialDelay: leaveAloneMs, maxDelay: Math.max(60_000, leaveAloneMs) }),
  })
  const again = retry(handleWhen(wasReset), { maxAttempts: 1, backoff: new ConstantBackoff(0) })

  const tooSlow = (what: string, timeoutMs: number) => () =>
    new ModelError('model_timeout', `${url}${what} did not answer within ${timeoutMs} ms.`)

  const probe = (signal: AbortSignal) =>
    within(connectTimeoutMs, tooSlow('/health', connectTimeoutMs), signal, (limited) => transport.probe(limited))

  /** All concurrent callers share one request, so it follows no caller's signal. */
  function askModels(): Promise<ModelInfo> {
    const asked = within(listTimeoutMs, tooSlow('/v1/models', listTimeoutMs), new AbortController().signal, (limited) =>
      transport.getJson('/v1/models', limited),
    ).then((list) => chosenModel(url, list, model))
    asked.catch(forget)
    return asked
  }
  const forget = () => {
    known = undefined
  }
  const info = (signal: AbortSignal) => orAborted((known ??= askModels()), signal)
  const modelName = async (signal: AbortSignal) => model ?? (await info(signal)).model

  /** A half-open breaker probes the health page first, so that no call is risked. */
  async function guarded(call: ModelCall, signal: AbortSignal): Promise<OpenAnswer> {
    if (breaker.state !== CircuitState.Closed) await breaker.execute(() => probe(signal))
    return again.execute(() => breaker.execute(() => openAnswer(transport, call, modelName, options, signal)))
  }

  async function countTokens(messages: readonly ChatMessage[], signal: AbortSignal): Promise<number> {
    const counted = Tokenized.safeParse(
      await transport.postForJson('/tokenize', tokenizeRequest(messages, await modelName(signal)), signal),
    )
    if (!counted.success)
      throw new ModelError('model_unavailable', `${url}/tokenize did not answer with a count.`, {
        cause: counted.error,
      })
    return counted.data.count
  }

  return {
    url,
    info,
    countTokens: (messages, signal) =>
      within(listTimeoutMs, tooSlow('/tokenize', listTimeoutMs), signal, (limited) => countTokens(messages, limited)),
    probe,
    open: async (call, signal) => {
      try {
        return await orAborted(guarded(call, signal), signal)
      } catch (error) {
        if (error instanceof BrokenCircuitError)
          throw new ModelError('model_unavailable', `${url} failed repeatedly and is not used for a while.`, {
            cause: breaker.lastFailure,
          })
        if (mayDoBetterElsewhere(error) || (error instanceof ModelError && error.code === 'model_unknown')) forget()
        throw error
      }
    },
    close: () => transport.close(),
  }
}

/** An overloaded server is not broken. */
const isBroken = (error: unknown): boolean =>
  mayDoBetterElsewhere(error) && !(error instanceof ModelError && error.code === 'model_overloaded')

/** The configured model, or the only one. Among several, adapters included, the operator must choose. */
function chosenModel(url: string, list: unknown, wanted: string | undefined): ModelInfo {
  const parsed = ModelList.safeParse(list)
  if (!parsed.success)
    throw new ModelError('model_unavailable', `${url}/v1/models did not answer with a list of models.`, {
      cause: parsed.error,
    })
  const models = parsed.data.data
  const names = models.map(({ id }) => id)
  const model = wanted === undefined ? models[0] : models.find(({ id }) => id === wanted)
  if (wanted === undefined && models.length > 1)
    throw new ModelError(
      'model_unknown',
      `${url} serves ${models.length} models (${names.slice(0, 20).join(', ')}), and VLLM_MODEL names none of them.`,
    )
  if (model === undefined && wanted === undefined) throw new ModelError('model_unavailable', `${url} serves no model.`)
  if (model === undefined)
    throw new ModelError(
      'model_unknown',
      `${url} does not serve ${wanted}; it serves ${names.slice(0, 20).join(', ')}. Check VLLM_MODEL.`,
    )
  const contextTokens = model.max_model_len ?? models.find(({ id }) => id === model.parent)?.max_model_len
  if (contextTokens === undefined || contextTokens === null)
    throw new ModelError('model_unavailable', `${url}/v1/models does not say max_model_len of ${model.id}.`)
  return { model: model.id, kind: 'vllm', contextTokens }
}
