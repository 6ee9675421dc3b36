import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { WebSocketServer, type WebSocket } from 'ws'
import { chatProtocol, parseClientFrame, type ClientFrame, type ServerFrame } from '../../src/api/chat/frames.ts'

export const standInToken = 'a-token-of-a-stand-in-server-0123456789'

/** One connection of a client. */
export type Visit = {
  /** The next frame of the client. */
  next: () => Promise<ClientFrame>
  /** Sends a frame of the protocol, or any other message to simulate a broken server. */
  say: (frame: ServerFrame | Record<string, unknown> | string) => void
  /** Closes the connection with a close code, or abruptly without one. */
  end: (code?: number) => void
}

export type ChatStandIn = {
  url: string
  /** The next connection, in the order of arrival. */
  visits: () => Promise<Visit>
  close: () => Promise<void>
}

/**
 * Starts a scripted chat server. It rejects clients without the token or the sub-protocol, and throws on a frame that the real
 * server would reject. `refuse` lists HTTP codes for the next upgrades.
 */
export async function startChatStandIn({ refuse = [] as number[], port = 0 } = {}): Promise<ChatStandIn> {
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
  const server = new WebSocketServer({ host: '127.0.0.1', port, path: '/ws/chat', verifyClient })
  const visits = queue<Visit>()
  server.on('connection', (socket) => visits.put(visit(socket)))
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the stand-in has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    visits: visits.take,
    close: () =>
      new Promise((resolve) => {
        for (const client of server.clients) client.terminate()
        server.close(() => resolve())
      }),
  }
}

function visit(socket: WebSocket): Visit {
  const frames = queue<ClientFrame>()
  socket.on('message', (data) => {
    const parsed = parseClientFrame(Buffer.isBuffer(data) ? data.toString() : '')
    if (!parsed.ok) throw new Error(`the client sent an invalid frame: ${parsed.message}`)
    frames.put(parsed.frame)
  })
  return {
    next: frames.take,
    say: (frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
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
