import websocket from '@fastify/websocket'
import type { WebSocket } from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import type { Origins } from '../access/origins.ts'
import { sendProblem } from '../problem.ts'
import { closeCodes, serveChat, type ChatDependencies } from './chat-socket.ts'
import { socketScopes } from './frame-scopes.ts'
import { chatProtocol, maxFrameBytes } from './frames.ts'
import { chatPath, handshakeFault } from './handshake.ts'

const heartbeatMs = 30_000

/** `/ws/chat`: authenticates before the upgrade, so that a client without a token gets an HTTP response. */
export async function chatRoute(server: FastifyInstance, origins: Origins, chat: ChatDependencies): Promise<void> {
  const open = new Map<WebSocket, { alive: boolean }>()
  await server.register(websocket, {
    options: {
      maxPayload: maxFrameBytes,
      perMessageDeflate: false,
      // Pings are answered in order with other frames.
      autoPong: false,
      handleProtocols: (offered: Set<string>) => (offered.has(chatProtocol) ? chatProtocol : false),
    },
    preClose: async () => {
      for (const socket of open.keys()) {
        socket.send(JSON.stringify({ type: 'restart' }))
        socket.close(closeCodes.restart, 'service restart')
      }
    },
  })
  const heartbeat = setInterval(() => {
    for (const [socket, state] of open) {
      // The pong of a paused socket cannot be read.
      if (!state.alive && !socket.isPaused) socket.terminate()
      state.alive = false
      socket.ping()
    }
  }, heartbeatMs)
  heartbeat.unref()
  server.addHook('onClose', async () => clearInterval(heartbeat))

  server.get(
    chatPath,
    {
      websocket: true,
      config: { scope: 'by_frame' },
      onRequest: async (request, reply) => {
        if (!origins.isAllowed(request.headers.origin))
          return sendProblem(reply, 'origin_not_allowed', 'this origin is not in ALLOWED_ORIGINS')
        if (request.ws) return undefined
        const { code, detail, headers } = handshakeFault(request.raw) ?? {
          code: 'bad_handshake',
          detail: `the chat is at ${chatPath}, written so`,
          headers: {},
        }
        return sendProblem(reply.headers(headers), code, detail)
      },
    },
    (socket, { identity }) => {
      if (!identity) return socket.close(closeCodes.policy, 'no identity')
      if (!socketScopes.some((scope) => identity.scopes.has(scope)))
        return socket.close(closeCodes.scopeMissing, `the token lacks the scope ${socketScopes.join(' or ')}`)
      const release = chat.limits.socket(identity.subject)
      if (!release) return socket.close(closeCodes.tooManyRequests, 'too many sockets')
      const state = { alive: true }
      open.set(socket, state)
      socket.on('pong', () => void (state.alive = true))
      socket.on('close', () => {
        open.delete(socket)
        release()
      })
      serveChat(chat, socket, identity)
    },
  )
}
