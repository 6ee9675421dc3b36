import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { WebSocket } from '@fastify/websocket'
import { isoTime } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { ReadModelReader } from '../projections/read-model-reader.ts'
import type { Access, Principal } from './access.ts'
import { closeCodes, serveChat, type ChatDependencies } from './chat-socket.ts'
import { commandsRoute } from './commands-route.ts'
import { chatProtocol, maxFrameBytes } from './frames.ts'
import type { Health } from './health.ts'
import { sendProblem } from './problem.ts'
import { treasuryRoute } from './treasury-route.ts'

const heartbeatMs = 30_000

export type ServerDependencies = {
  access: Access
  chat: ChatDependencies
  health: Health
  readModel: ReadModelReader
  version: string
  logger: Logger
}

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | null
  }
}

/** The HTTP and WebSocket surface. Everything but the probes needs a token; strangers learn pass, warn or fail. */
export async function createServer({ access, chat, health, readModel, version, logger }: ServerDependencies): Promise<FastifyInstance> {
  const server = Fastify({
    bodyLimit: maxFrameBytes,
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    // An address that cannot be read: too long in one of its parts, or with half of an escape. No hook has run then.
    frameworkErrors: (_error, request, reply) => void nothingThere(access.authenticate(request.headers.authorization), request.url, reply),
  })
  server.decorateRequest('principal', null)
  server.addHook('onRequest', async (request) => {
    request.principal = access.authenticate(request.headers.authorization)
  })
  server.setNotFoundHandler((request, reply) => nothingThere(request.principal, request.url, reply))
  server.setErrorHandler((error: { statusCode?: number; message: string }, request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) logger.error({ err: error, method: request.method, path: request.url.slice(0, 200) }, 'a request failed')
    if (status === 413) return sendProblem(reply, 'too_large', 'the body is larger than 64 KiB')
    if (status < 500) return sendProblem(reply, 'malformed_request', error.message)
    return sendProblem(reply, 'internal', 'something broke here; the log of the server says what')
  })

  server.get('/livez', () => ({ status: 'pass' }))
  // It listens only once workers consume and the model is loaded or known to be missing. Only a part without which commands cannot be
  // recorded or prompts cannot be taken makes it fail.
  server.get('/readyz', (_request, reply) => {
    const { status } = health.current()
    return reply.code(status === 'fail' ? 503 : 200).send({ status })
  })
  server.get('/health', (request, reply) => {
    const { status, checks } = health.current()
    void reply.code(status === 'fail' ? 503 : 200).type('application/health+json')
    if (!request.principal) return { status }
    const byName = checks.map(({ name, status: partStatus, kind, output, atMs }) => [name, [{ componentType: 'component', status: partStatus, kind, output, time: isoTime(atMs) }]])
    return { status, version, checks: Object.fromEntries(byName) as Record<string, unknown> }
  })
  commandsRoute(server, chat)
  treasuryRoute(server, readModel)
  await chatRoute(server, access, chat)
  return server
}

/** Strangers do not learn which paths exist. */
const nothingThere = (principal: Principal | null, url: string, reply: FastifyReply): FastifyReply =>
  principal ? sendProblem(reply, 'not_found', `there is nothing at ${url.slice(0, 200)}`) : sendProblem(reply, 'unauthorized', 'a token is needed')

/** `/ws/chat`: who may come in is decided before the upgrade, so a stranger gets a plain HTTP answer. */
async function chatRoute(server: FastifyInstance, access: Access, chat: ChatDependencies): Promise<void> {
  const open = new Map<WebSocket, { alive: boolean }>()
  await server.register(websocket, {
    options: {
      maxPayload: maxFrameBytes,
      perMessageDeflate: false,
      // A ping is answered in its turn among the frames.
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
      // One that is not read at the moment cannot be heard either.
      if (!state.alive && !socket.isPaused) socket.terminate()
      state.alive = false
      socket.ping()
    }
  }, heartbeatMs)
  heartbeat.unref()
  server.addHook('onClose', async () => clearInterval(heartbeat))

  server.get(
    '/ws/chat',
    {
      websocket: true,
      preValidation: async (request, reply) => {
        if (!access.originAllowed(request.headers.origin)) return sendProblem(reply, 'origin_not_allowed', 'this origin is not in ALLOWED_ORIGINS')
        if (!request.principal) return sendProblem(reply, 'unauthorized', 'Authorization: Bearer <token> is needed')
        return undefined
      },
    },
    (socket, request) => {
      const { principal } = request
      if (!principal) return socket.close(closeCodes.policy, 'no principal')
      const release = chat.limits.socket(principal.subject)
      if (!release) return socket.close(closeCodes.tooManyRequests, 'too many sockets')
      const state = { alive: true }
      open.set(socket, state)
      socket.on('pong', () => void (state.alive = true))
      socket.on('close', () => {
        open.delete(socket)
        release()
      })
      serveChat(chat, socket, principal)
    },
  )
}
