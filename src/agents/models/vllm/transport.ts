/** The HTTP connections to a vLLM server. */

import { Agent, buildConnector, errors, request } from 'undici'
import { ModelError } from '../model.ts'
import { errorBeforeAnswer, errorOfResponse } from './errors.ts'

const maxErrorBytes = 64 * 1024
const maxJsonBytes = 1024 * 1024
/** The longest document lists every token of a prompt as a number. */
const maxAnsweredJsonBytes = 8 * maxJsonBytes

/** The HTTP connections to one server. Every promise rejects with a ModelError or with the signal's reason. */
export type Transport = {
  /** The base URL, without `/v1` and without a trailing slash. */
  url: string
  /** GET of a small JSON document (at most 1 MiB). */
  getJson: (path: string, signal: AbortSignal) => Promise<unknown>
  /** POST whose answer is a JSON document (at most 8 MiB). */
  postForJson: (path: string, body: object, signal: AbortSignal) => Promise<unknown>
  /** GET of the health page; resolves with any status below 500. */
  probe: (signal: AbortSignal) => Promise<void>
  /** POST whose answer is an event stream. Aborting the signal destroys the socket. */
  postForEvents: (
    path: string,
    body: object,
    headers: Record<string, string>,
    signal: AbortSignal,
  ) => Promise<EventBody>
  close: () => Promise<void>
}

export type EventBody = AsyncIterable<Uint8Array>

export type TransportOptions = { url: string; apiKey?: string; connectTimeoutMs: number; connections: number }

export function createTransport({ url: given, apiKey, connectTimeoutMs, connections }: TransportOptions): Transport {
  const url = baseUrl(given)
  const agent = new Agent({
    connect: connectWithin(connectTimeoutMs),
    connections,
    // An abort must reach the model server as a closed socket. With HTTP/2, a proxy would keep its upstream connection open.
    allowH2: false,
    // undici's timers are coarse and do not know a call's limits; the callers' signals enforce those.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const authorization = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }

  const ask = (path: string, signal: AbortSignal, post?: { body: object; headers: Record<string, string> }) =>
    request(`${url}${path}`, {
      dispatcher: agent,
      signal,
      method: post ? 'POST' : 'GET',
      headers: { ...authorization, ...(post ? { 'content-type': 'application/json', ...post.headers } : {}) },
      body: post ? JSON.stringify(post.body) : null,
    }).catch((cause: unknown) => {
      throw signal.aborted ? signal.reason : errorBeforeAnswer(url, cause)
    })

  /** Sends one request; throws a ModelError for a status other than 200. */
  async function send(...args: Parameters<typeof ask>) {
    const [, signal] = args
    const response = await ask(...args)
    if (response.statusCode === 200) return response
    const said = await readUpTo(maxErrorBytes, response.body).catch(() => '')
    if (signal.aborted) throw signal.reason
    throw errorOfResponse(url, response.statusCode, said)
  }

  async function jsonOf(
    path: string,
    { body }: { body: AsyncIterable<Uint8Array> },
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<unknown> {
    try {
      const document: unknown = JSON.parse(await readUpTo(maxBytes, body))
      return document
    } catch (cause) {
      throw signal.aborted
        ? signal.reason
        : new ModelError('model_unavailable', `${url}${path} did not answer with JSON.`, { cause })
    }
  }

  return {
    url,
    getJson: async (path, signal) => jsonOf(path, await send(path, signal), maxJsonBytes, signal),
    postForJson: async (path, body, signal) =>
      jsonOf(path, await send(path, signal, { body, headers: {} }), maxAnsweredJsonBytes, signal),
    probe: async (signal) => {
      const { statusCode, body } = await ask('/health', signal)
      // Not every server of this protocol has the page, so a 404 also shows that it is alive.
      if (statusCode >= 500) throw errorOfResponse(url, statusCode, await readUpTo(maxErrorBytes, body).catch(() => ''))
      await body.dump({ limit: maxErrorBytes }).catch(() => undefined)
    },
    postForEvents: async (path, body, headers, signal) => {
      const response = await send(path, signal, { body, headers })
      const type = String(response.headers['content-type'] ?? 'no content type')
      if (type.startsWith('text/event-stream')) return response.body
      response.body.on('error', () => undefined).destroy()
      throw new ModelError(
        'model_unavailable',
        `${url}${path} answered with ${type.slice(0, 100)} instead of an event stream.`,
      )
    },
    close: () => agent.destroy(),
  }
}

/** Normalises the URL of a server, which may end in `/v1`. */
function baseUrl(given: string): string {
  return given.trim().replace(/\/+$/, '').replace(/\/v1$/, '').replace(/\/+$/, '')
}

/** Wraps undici's connector with an exact timeout. */
function connectWithin(timeoutMs: number): buildConnector.connector {
  const connect = buildConnector({ timeout: timeoutMs })
  return (options, callback) => {
    let late = false
    const timer = setTimeout(() => {
      late = true
      callback(new errors.ConnectTimeoutError(`no connection within ${timeoutMs} ms`), null)
    }, timeoutMs)
    connect(options, (...outcome) => {
      clearTimeout(timer)
      if (!late) callback(...outcome)
      else outcome[1]?.destroy()
    })
  }
}

/** Reads at most `limit` bytes of a body as text; closes the connection if there is more. */
async function readUpTo(limit: number, body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body) {
    pieces.push(piece)
    size += piece.byteLength
    if (size >= limit) break
  }
  return Buffer.concat(pieces).subarray(0, limit).toString('utf8')
}
