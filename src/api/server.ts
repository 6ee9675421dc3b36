import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { isoTime } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { parseStrictJsonBytes } from '../platform/strict-json.ts'
import type { ReadModelReader } from '../projections/engine/read-model-reader.ts'
import type { Access } from './access/access.ts'
import { checkAccess, checkScopes, isForBrowser, refuseLogin } from './access/check-access.ts'
import type { FailedLogins } from './access/failed-logins.ts'
import type { Origins } from './access/origins.ts'
import { sessionSecret } from './access/session-cookie.ts'
import type { Sessions } from './access/sessions.ts'
import { signInRoutes } from './access/sign-in-routes.ts'
import { chatRoute } from './chat/chat-route.ts'
import type { ChatDependencies } from './chat/chat-socket.ts'
import { commandsRoute } from './commands/commands-route.ts'
import { maxFrameBytes } from './chat/frames.ts'
import { handshakeFault, isForChat } from './chat/handshake.ts'
import type { Health } from './health.ts'
import { entityTags } from './entity-tags.ts'
import { answerClientError, overrideNodeDefaults } from './http-faults.ts'
import type { Dashboard } from './dashboard/bundle.ts'
import { dashboardRoutes, sendNothingHere } from './dashboard/dashboard-routes.ts'
import { operationsRoutes, type Operations } from './operations/operations-routes.ts'
import { sendProblem } from './problem.ts'
import { openAiRoutes, type OpenAiDependencies } from './openai/routes.ts'
import { queries } from './queries/queries.ts'
import { queryRoute } from './queries/query-route.ts'
import { logRoutes, type LogSources } from './log/log-routes.ts'
import { receiptRoute, type ReceiptSources } from './receipts/receipt-route.ts'
import type { EventsAt } from '../events/log/read/events-at.ts'
import { referenceRoutes } from './reference/reference-routes.ts'

export type ServerDependencies = {
  access: Access
  origins: Origins
  sessions: Sessions
  failedLogins: FailedLogins
  chat: ChatDependencies
  openAi: Omit<OpenAiDependencies, keyof ChatDependencies>
  dashboard: Dashboard
  health: Health
  readModel: ReadModelReader
  eventsAt: EventsAt
  archive: LogSources['archive']
  receipts: ReceiptSources['receipts']
  operations: Operations
  version: string
  logger: Logger
}

/** The HTTP and WebSocket API. Everything but the probes needs a token; without one, `/health` shows only pass, warn or fail. */
export async function createServer(dependencies: ServerDependencies): Promise<FastifyInstance> {
  const { access, origins, failedLogins, logger } = dependencies
  const logins = { access, failedLogins }
  const server = Fastify({
    bodyLimit: maxFrameBytes,
    requestTimeout: 30_000,
    // The longest name of a stream, URL-encoded, is a part of a path.
    routerOptions: { maxParamLength: 1_024 },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    http: {
      // Node's own response would lack a problem body.
      requireHostHeader: false,
      // A request that cannot be upgraded to a chat gets an HTTP response.
      shouldUpgradeCallback: (request) =>
        isForChat(request) &&
        handshakeFault(request) === null &&
        origins.isAllowed(request.headers.origin) &&
        (request.headers.authorization !== undefined || sessionSecret(request.headers.cookie) !== null),
    },
    clientErrorHandler: answerClientError,
    // The URL cannot be parsed: a part is too long, or an escape is incomplete. No hook has run.
    frameworkErrors(_error, request, reply) {
      endAfterUpgrade(request, reply)
      void access
        .authenticate(request)
        .then(({ outcome }) =>
          outcome === 'admitted' ? sendNotFound(request, reply) : refuseLogin(logins, outcome, request, reply),
        )
    },
  })
  overrideNodeDefaults(server, access)
  takeJsonOnly(server)
  const refuseOtherMethods = watchMethods(server)
  let isStopping = false
  server.addHook('preClose', async () => void (isStopping = true))
  server.addHook('onRequest', async (request, reply) => endAfterUpgrade(request, reply))
  // The WebSocket plugin ends connections only of upgrades that its own hook has seen.
  server.addHook('onResponse', async ({ headers, raw }) => {
    if (headers.upgrade !== undefined) raw.socket.destroySoon()
  })
  checkAccess(server, logins)
  server.addHook('onRequest', async (request, reply) => {
    if (isStopping) return sendProblem(reply, 'stopping', 'the server is stopping; try again')
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1')
      return sendProblem(reply, 'malformed_request', 'the Host header is missing')
    return undefined
  })
  checkScopes(server)
  server.setNotFoundHandler((request, reply) =>
    isForBrowser(request) ? sendNothingHere(request, reply, dependencies.dashboard) : sendNotFound(request, reply),
  )
  answerErrors(server, logger)
  entityTags(server)

  await addRoutes(server, dependencies)
  refuseOtherMethods()
  return server
}

async function addRoutes(server: FastifyInstance, dependencies: ServerDependencies): Promise<void> {
  const { access, origins, sessions, failedLogins, chat, openAi, readModel, version } = dependencies
  probeRoutes(server, dependencies.health, version)
  dashboardRoutes(server, dependencies.dashboard)
  commandsRoute(server, chat)
  for (const query of queries) queryRoute(server, readModel, query)
  receiptRoute(server, dependencies)
  logRoutes(server, { ...dependencies, log: chat.log })
  operationsRoutes(server, dependencies.operations)
  referenceRoutes(server, version)
  openAiRoutes(server, { ...chat, ...openAi })
  await signInRoutes(server, { access, sessions, origins, failedLogins })
  await chatRoute(server, origins, chat)
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
    if (!request.identity) return { status }
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

/** Answers what a hook, a parser or a handler has thrown. */
function answerErrors(server: FastifyInstance, logger: Logger): void {
  server.setErrorHandler((error: { statusCode?: number; message: string }, request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500)
      logger.error(
        { err: error, method: request.method, path: request.url.split('?')[0]?.slice(0, 200) },
        'a request failed',
      )
    if (status === 413)
      return sendProblem(reply, 'too_large', `the body is over ${request.routeOptions.bodyLimit / 1024} KiB`)
    if (status === 415) return sendProblem(reply, 'unsupported_media_type', 'the body must be application/json')
    if (status < 500) return sendProblem(reply, 'malformed_request', error.message)
    return sendProblem(reply, 'internal', 'the server failed; its log has the cause')
  })
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
      const config = { scope: 'nothing' } as const
      server.route({ method: others, url, exposeHeadRoute: false, config, onRequest: refuse, handler: refuse })
    }
  }
}
