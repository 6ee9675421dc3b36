import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createChannel } from './channel.ts'
import { completion } from './chunks.ts'
import { constrained } from './constraint.ts'
import { playStream, scripted, type Step } from './play.ts'
import type { AnswerScript, InStream } from './script.ts'
import { wordTokens } from './tokens.ts'
import { engineError, parseChat, type ChatRequest } from './validate.ts'
import { pageOf, readBody, sendJson } from './web.ts'

/**
 * A stand-in for a vLLM server, because the real one needs gigabytes and most of a minute to start. It uses the
 * protocol over a real socket, rejects the requests that the real one rejects, sends scripted answers, and injects
 * every observed fault on demand. `tests/contract/vllm-stand-in.test.ts` compares it with recordings of the real
 * server. It answers unsupported requests with 501.
 */
export type StandInOptions = {
  model?: string
  maxModelLen?: number
  /** Required under `/v1` only. */
  apiKey?: string
  /** The chat template trims every message, as many do. A continuation then starts from less text than was sent. */
  trims?: boolean
  port?: number
  /** The answer to a request without a script; by default twelve words. A gated one never gets a token. */
  answer?: (request: ReceivedRequest) => AnswerScript
}

/** A received request for an answer. */
export type ReceivedRequest = {
  requestId: string
  headers: IncomingMessage['headers']
  body: unknown
  chat: ChatRequest
}

/** Controls one scripted answer. */
export type Answer = {
  /** Resolves when a request has taken this answer. */
  received: Promise<ReceivedRequest>
  /** Writes one token of a gated answer; resolves when the socket has it. */
  emit: (text: string) => Promise<void>
  finish: (reason?: 'stop' | 'length') => Promise<void>
  /** Injects a fault into a gated answer. */
  spring: (trap: InStream) => Promise<void>
  /** Resolves when the client has closed the socket before the answer was complete. */
  disconnected: Promise<void>
}

export type StandIn = {
  url: string
  /** Scripts the answer to the next request without one. Rejected requests consume no answer. */
  nextAnswer: (script: AnswerScript) => Answer
  /** All well-formed requests for an answer, oldest first. */
  received: ReceivedRequest[]
  /** Counts all requests by `METHOD path`. */
  hits: (route: string) => number
  /** Resolves when the client of this request has closed its socket before the answer was complete. */
  disconnected: (requestId: string) => Promise<void>
  /** Answers that are being generated. */
  running: () => number
  /** Sets the response of `/health`. */
  setHealth: (status: number) => void
  /** Sets the list of `/v1/models`. */
  setModel: (model: string, maxModelLen: number) => void
  /** Closes idle connections as uvicorn does after five seconds. */
  closeIdleConnections: () => void
  /** Closes at once and cuts open answers. */
  close: () => Promise<void>
}

type Scripted = {
  script: AnswerScript
  steps: AsyncIterable<Step> | undefined
  received: PromiseWithResolvers<ReceivedRequest>
  gone: PromiseWithResolvers<undefined>
}

const defaultAnswer = (): AnswerScript => ({ tokens: wordTokens(12) })

export async function startVllmStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const served = { model: options.model ?? 'smollm2', maxModelLen: options.maxModelLen ?? 2048 }
  const queue: Scripted[] = []
  const received: ReceivedRequest[] = []
  const hits = new Map<string, number>()
  const gone = new Map<string, PromiseWithResolvers<undefined>>()
  let running = 0
  let health = 200
  let ids = 0

  const goneOf = (requestId: string): PromiseWithResolvers<undefined> => {
    const known = gone.get(requestId) ?? Promise.withResolvers<undefined>()
    gone.set(requestId, known)
    return known
  }

  async function chat(request: IncomingMessage, response: ServerResponse, raw: string): Promise<void> {
    const parsed = parseChat(request.headers['content-type'], raw, { ...served, trims: options.trims ?? false })
    if ('status' in parsed) {
      sendJson(response, parsed.status, parsed.body)
      return
    }
    const header = request.headers['x-request-id']
    ids += 1
    const requestId = typeof header === 'string' ? header : ids.toString(16).padStart(16, '0')
    const seen: ReceivedRequest = { requestId, headers: request.headers, body: JSON.parse(raw), chat: parsed }
    received.push(seen)
    const next: Scripted = queue.shift() ?? handleFor((options.answer ?? defaultAnswer)(seen)).entry
    running += 1
    response.once('close', () => {
      running -= 1
      if (response.writableFinished) return
      next.gone.resolve(undefined)
      goneOf(requestId).resolve(undefined)
    })
    next.received.resolve(seen)
    await play(response, seen, next)
  }

  const server = createServer((request, response) => {
    response.sendDate = false
    response.setHeader('server', 'uvicorn')
    void (async () => {
      const path = (request.url ?? '/').split('?')[0] ?? '/'
      const route = `${request.method ?? 'GET'} ${path}`
      hits.set(route, (hits.get(route) ?? 0) + 1)
      const raw = await readBody(request)
      // As recorded, the key is required under /v1 only, and the error is a string.
      if (
        options.apiKey !== undefined &&
        path.startsWith('/v1') &&
        request.headers.authorization !== `Bearer ${options.apiKey}`
      ) {
        sendJson(response, 401, { error: 'Unauthorized' })
      } else if (route === 'POST /v1/chat/completions') await chat(request, response, raw)
      else pageOf(route, path, raw, response, { served, running, health })
    })().catch((error: unknown) => {
      sendJson(response, 500, engineError(500, 'InternalServerError', `the stand-in failed: ${String(error)}`).body)
    })
  })

  await new Promise<void>((listening) => server.listen(options.port ?? 0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    received,
    nextAnswer: (script) => {
      const { entry, answer } = handleFor(script)
      queue.push(entry)
      return answer
    },
    hits: (route) => hits.get(route) ?? 0,
    disconnected: async (requestId) => {
      await goneOf(requestId).promise
    },
    running: () => running,
    setHealth: (status) => {
      health = status
    },
    setModel: (model, maxModelLen) => Object.assign(served, { model, maxModelLen }),
    closeIdleConnections: () => {
      server.closeIdleConnections()
    },
    close: async () => {
      const closed = new Promise((over) => server.close(over))
      server.closeAllConnections()
      await closed
    },
  }
}

function handleFor(script: AnswerScript): { entry: Scripted; answer: Answer } {
  const channel = createChannel<Step>()
  const entry: Scripted = {
    script,
    steps: script.gated ? channel.values() : undefined,
    received: Promise.withResolvers(),
    gone: Promise.withResolvers(),
  }
  const act = async (step: Step) => {
    if (!script.gated) throw new Error('the test controls only gated answers')
    // Steps of an answer whose client has disconnected have no reader.
    await Promise.race([channel.push(step), entry.gone.promise])
  }
  const answer: Answer = {
    received: entry.received.promise,
    emit: (text) => act({ kind: 'token', text }),
    finish: (reason = 'stop') => act({ kind: 'finish', reason }),
    spring: (trap) => act({ kind: 'trap', trap }),
    disconnected: entry.gone.promise,
  }
  return { entry, answer }
}

async function play(
  response: ServerResponse,
  { chat, requestId }: ReceivedRequest,
  { script, steps }: Scripted,
): Promise<void> {
  const { trap } = script
  const id = `chatcmpl-${requestId}`
  if (trap?.kind === 'no-answer') return
  if (trap?.kind === 'reset') {
    response.socket?.destroy()
    return
  }
  if (trap?.kind === 'status') {
    response.writeHead(trap.status, { 'content-type': trap.contentType ?? 'application/json' }).end(trap.body)
    return
  }
  if (trap?.kind === 'not-a-stream') {
    response.writeHead(200, { 'content-type': trap.contentType }).end(trap.body)
    return
  }
  const scriptedTokens = script.tokens ?? defaultAnswer().tokens ?? []
  const tokens = constrained(scriptedTokens, chat.constraint, script.finishReason === 'length')
  if (!chat.stream) {
    const kept = tokens.slice(0, chat.maxTokens)
    const reason = script.finishReason ?? (kept.length < tokens.length ? 'length' : 'stop')
    sendJson(response, 200, completion(chat, id, Math.floor(Date.now() / 1000), kept, reason))
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  response.flushHeaders()
  if (trap?.kind === 'silent-prefill') return
  await playStream(response, chat, id, script, steps ?? scripted(script, tokens, trap, (ms) => pause(ms, response)))
}

/** The pause between tokens of an answer with a rate. It ends early when the client has disconnected. */
function pause(ms: number, response: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const over = () => {
    clearTimeout(timer)
    response.off('close', over)
    resolve(undefined)
  }
  const timer = setTimeout(over, ms)
  response.once('close', over)
  return promise
}
