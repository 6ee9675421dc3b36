import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { onTestFinished } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import { chatProtocol, parseClientFrame, type ClientFrame, type ServerFrame } from '../../src/api/chat/frames.ts'
import { Position, type Uuid7 } from '../../src/events/identifiers.ts'

export const standInToken = 'a-token-of-a-stand-in-server-0123456789'

/** One connection of a client. */
export type Visit = {
  /** The next frame of the client; null once it has closed the connection. */
  next: () => Promise<ClientFrame | null>
  /** Sends a frame of the protocol, or any other message to simulate a broken server. */
  say: (frame: ServerFrame | Record<string, unknown> | string | Buffer) => void
  /** Closes the connection with a close code, or abruptly without one. */
  end: (code?: number) => void
}

export type ChatStandIn = {
  url: string
  /** The next connection, in the order of arrival. */
  visits: () => Promise<Visit>
}

/**
 * Starts a scripted chat server, and closes it when the test ends. It rejects clients without the token or the
 * sub-protocol, and throws on a frame that the real server would reject. `refuse` lists HTTP codes for the next
 * upgrades; `plain` answers requests that are no upgrade, which the real server answers with 426 if it knows the token.
 */
export async function startChatStandIn({ refuse = [] as number[], plain = 426 } = {}): Promise<ChatStandIn> {
  const refusals = [...refuse]
  const verifyClient = ({ req }: { req: IncomingMessage }, answer: (ok: boolean, code?: number) => void) => {
    const code = refusals.shift()
    if (code !== undefined) answer(false, code)
    else
      answer(
        req.headers.authorization === `Bearer ${standInToken}` &&
          req.headers['sec-websocket-protocol'] === chatProtocol,
        401,
      )
  }
  const web = createServer((_, response) => response.writeHead(plain).end())
  const server = new WebSocketServer({ server: web, path: '/ws/chat', verifyClient })
  const visits = queue<Visit>()
  server.on('connection', (socket) => visits.put(visit(socket)))
  await once(web.listen(0, '127.0.0.1'), 'listening')
  const address = web.address()
  if (address === null || typeof address === 'string') throw new Error('the stand-in has no port')
  onTestFinished(async () => {
    for (const client of server.clients) client.terminate()
    const closed = once(web, 'close')
    server.close()
    web.close()
    await closed
  })
  return { url: `http://127.0.0.1:${address.port}`, visits: visits.take }
}

/** A prompt that a client has sent, with the frames of an answer to it. */
export type Prompted = Awaited<ReturnType<typeof prompted>>

/** Waits for the next connection and its prompt. */
export async function prompted(server: ChatStandIn) {
  const visit = await server.visits()
  const sent = await visit.next()
  if (sent?.type !== 'prompt' || !sent.requestId)
    throw new Error(`expected a prompt with an id, not ${JSON.stringify(sent)}`)
  const { requestId, text, conversationId, path } = sent
  const frames = answerFrames(requestId)
  /** Sends an answer of one token. */
  const answer = (answered: string) => {
    for (const next of [frames.token(answered), frames.completed(answered)]) visit.say(next)
  }
  return { visit, requestId, text, conversationId, path, answer, ...frames }
}

/** The resume point of the nth frame of an answer. */
export const frameId = (n: number): string => `1795448595415-${n}~${n}`

const frame = (fields: ServerFrame): ServerFrame => fields
const route = { type: 'routed', path: 'fast', intent: 'question', by: 'rule', confidence: 1 } as const
const bill = {
  type: 'completed',
  costMicros: 38,
  usage: { promptTokens: 1120, completionTokens: 34 },
  timings: { queuedMs: 3.4, firstTokenMs: 41.2, totalMs: 812 },
  degraded: false,
  positions: { first: Position.parse('1-0'), last: Position.parse('9-0') },
} as const

const answerFrames = (requestId: Uuid7) => ({
  accepted: frame({ type: 'accepted', requestId, id: frameId(1) }),
  routed: frame({ ...route, requestId, id: frameId(2) }),
  token: (text: string, n = 3) => frame({ type: 'token', requestId, id: frameId(n), text }),
  completed: (text: string, finishReason: 'stop' | 'length' = 'stop') =>
    frame({ ...bill, requestId, id: frameId(9), text, finishReason }),
  failed: (code: string, message: string) =>
    frame({ type: 'failed', requestId, id: frameId(9), code, message, costMicros: 0 }),
  cancelled: frame({ type: 'cancelled', requestId, id: frameId(9), costMicros: 12 }),
})

function visit(socket: WebSocket): Visit {
  const frames = queue<ClientFrame | null>()
  socket.on('close', () => frames.put(null))
  socket.on('message', (data) => {
    const parsed = parseClientFrame(Buffer.isBuffer(data) ? data.toString() : '')
    if (!parsed.ok) throw new Error(`the client sent an invalid frame: ${parsed.message}`)
    frames.put(parsed.frame)
  })
  return {
    next: frames.take,
    say: (frame) => socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame)),
    end: (code) => (code === undefined ? socket.terminate() : socket.close(code)),
  }
}

/** An unbounded queue whose takes wait for puts, in order. */
function queue<Item>(): { put: (item: Item) => void; take: () => Promise<Item> } {
  const items: Item[] = []
  const takers: ((item: Item) => void)[] = []
  return {
    put(item) {
      const taker = takers.shift()
      if (taker) taker(item)
      else items.push(item)
    },
    take() {
      const item = items.shift()
      return item === undefined ? new Promise((resolve) => takers.push(resolve)) : Promise.resolve(item)
    },
  }
}
