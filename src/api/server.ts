import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { WebSocket } from '@fastify/websocket'
import type { Principal } from '../events/identifiers.ts'
import { isoTime } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { parseStrictJsonBytes } from '../platform/strict-json.ts'
import type { ReadModelReader } from '../projections/engine/read-model-reader.ts'
import type { Access } from './access.ts'
import { closeCodes, serveChat, type ChatDependencies } from './chat/chat-socket.ts'
import { commandsRoute } from './commands/commands-route.ts'
import { chatProtocol, maxFrameBytes } from './chat/frames.ts'
import { chatPath, handshakeFault, isForChat } from './chat/handshake.ts'
import type { Health } from './health.ts'
import { answerClientError, overrideNodeDefaults } from './http-faults.ts'
import { sendProblem, sendUnauthorized } from './problem.ts'
import { queries } from './queries/queries.ts'
import { scheduleRoute } from './queries/schedule.ts'

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
  interface FastifyContextConfig {
    /** Whether a route needs no token. */
    isPublic?: boolean
  }
}

/** The HTTP and WebSocket API. Everything but the probes needs a token; without one, `/health` shows only pass, warn or fail. */
export async function createServer({
  access,
  chat,
  health,
  readModel,
  version,
  logger,
}: ServerDependencies): Promise<FastifyInstance> {
  const server = Fastify({
    bodyLimit: maxFrameBytes,
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    http: {
      // Node's own response would lack a problem body.
      requireHostHeader: false,
      // A request that cannot be upgraded to a chat gets an HTTP response.
      shouldUpgradeCallback: (request) =>
        isForChat(request) &&
        handshakeFault(request) === null &&
        access.originAllowed(request.headers.origin) &&
        access.authenticate(request.headers.authorization) !== null,
    },
    clientErrorHandler: answerClientError,
    // The URL cannot be parsed: a part is too long, or an escape is incomplete. No hook has run.
    frameworkErrors(_error, request, reply) {
      endAfterUpgrade(request, reply)
      void (access.authenticate(request.headers.authorization) ? sendNotFound(request, reply) : sendUnauthorized(reply))
    },
  })
  overrideNodeDefaults(server, access)
  takeJsonOnly(server)
  const refuseOtherMethods = watchMethods(server)
  let isStopping = false
  server.addHook('preClose', async () => void (isStopping = true))
  server.decorateRequest('principal', null)
  // Comes first, so that every request without a token gets the same response.
  server.addHook('onRequest', async (request, reply) => {
    endAfterUpgrade(request, reply)
    request.principal = access.authenticate(request.headers.authorization)
    if (!request.principal && !request.routeOptions.config.isPublic) return sendUnauthorized(reply)
    if (isStopping) return sendProblem(reply, 'stopping', 'the server is stopping; try again')
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1')
      return sendProblem(reply, 'malformed_request', 'the Host header is missing')
    return undefined
  })
  server.setNotFoundHandler(sendNotFound)
  server.setErrorHandler((error: { statusCode?: number; message: string }, request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500)
      logger.error({ err: error, method: request.method, path: request.url.slice(0, 200) }, 'a request failed')
    if (status === 413) return sendProblem(reply, 'too_large', 'the body is larger than 64 KiB')
    if (status === 415) return sendProblem(reply, 'unsupported_media_type', 'the body must be application/json')
    if (status < 500) return sendProblem(reply, 'malformed_request', error.message)
    return sendProblem(reply, 'internal', 'the server failed; its log has the cause')
  })

  probeRoutes(server, health, version)
  commandsRoute(server, chat)
  for (const addQuery of queries) addQuery(server, readModel)
  scheduleRoute(server, chat.log)
  await chatRoute(server, access, chat)
  refuseOtherMethods()
  return server
}

const isPublic = { config: { isPublic: true } }

/** `/livez`, `/readyz` and `/health`. */
function probeRoutes(server: FastifyInstance, health: Health, version: string): void {
  server.get('/livez', isPublic, () => ({ status: 'pass' }))
  // The server listens only once workers consume and the model is loaded or known to be missing. Readiness fails only with a part that
  // the council needs to record commands or take prompts.
  server.get('/readyz', isPublic, (_request, reply) => {
    const { status } = health.current()
    return reply.code(status === 'fail' ? 503 : 200).send({ status })
  })
  server.get('/health', isPublic, (request, reply) => {
    const { status, checks } = health.current()
    void reply.code(status === 'fail' ? 503 : 200).type('application/health+json')
    if (!request.principal) return { status }
    const byName = checks.map(({ name, status: partStatus, kind, output, atMs }) => [
      name,
      [{ componentType: 'component', status: partStatus, kind, output, time: isoTime(atMs) }],
    ])
    return { status, version, checks: Object.fromEntries(byName) as Record<string, unknown> }
  })
}

const sendNotFound = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  sendProblem(reply, 'not_found', `there is nothing at ${request.url.slice(0, 200)}`)

/** Node (26.10) stops reading a connection after an upgrade request that was not upgraded. */
function endAfterUpgrade({ headers }: FastifyRequest, reply: FastifyReply): void {
  if (headers.upgrade !== undefined) void reply.header('connection', 'close')
}

/** Bodies are strict JSON in UTF-8, which every parser reads alike. */
function takeJsonOnly(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    const json = parseStrictJsonBytes(body)
    if (json.ok) done(null, json.value)
    else done(Object.assign(new Error(`the body ${json.problem}`), { statusCode: 400 }))
  })
}

/** Records the routes that are added from now on. The returned function makes every other method on them respond with 405. */
function watchMethods(server: FastifyInstance): () => void {
  const allowed = new Map<string, Set<string>>()
  server.addHook('onRoute', ({ url, method }) => {
    const methods = allowed.get(url) ?? new Set()
    for (const each of [method].flat()) methods.add(each)
    allowed.set(url, methods)
  })
  return () => {
    for (const [url, methods] of [...allowed]) {
      const allow = [...methods].join(', ')
      const refuse = async (_request: FastifyRequest, reply: FastifyReply) =>
        sendProblem(reply.header('allow', allow), 'method_not_allowed', `only ${allow}`)
      const others = server.supportedMethods.filter((method) => !methods.has(method))
      server.route({ method: others, url, exposeHeadRoute: false, onRequest: refuse, handler: refuse })
    }
  }
}

/** `/ws/chat`: authenticates before the upgrade, so that a client without a token gets an HTTP response. */
async function chatRoute(server: FastifyInstance, access: Access, chat: ChatDependencies): Promise<void> {
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
      onRequest: async (request, reply) => {
        if (!access.originAllowed(request.headers.origin))
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
    (socket, request) => {
      const { principal } = request
      if (!principal) return socket.close(closeCodes.policy, 'no principal')
      const release = chat.limits.socket(principal)
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
