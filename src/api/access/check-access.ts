import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { TokenScope } from '../../events/token.ts'
import { sendProblem, sendUnauthorized } from '../problem.ts'
import type { Access, Authentication } from './access.ts'
import type { FailedLogins } from './failed-logins.ts'
import type { Identity } from './identity.ts'
import { localPath } from './local-path.ts'

declare module 'fastify' {
  interface FastifyRequest {
    identity: Identity | null
  }
  interface FastifyContextConfig {
    /** Whether a route needs no token. */
    isPublic?: boolean
    /**
     * The scope that the token of a request needs. `by_command`, `by_frame`: that of the command, or of each frame. `any`: any token will
     * do. `nothing`: the route does nothing.
     */
    scope?: TokenScope | 'by_command' | 'by_frame' | 'any' | 'nothing'
    /** Whether browsers that are not signed in go to the page to sign in. */
    isPage?: boolean
  }
}

export type CheckDependencies = { access: Access; failedLogins: FailedLogins }

/** Every route added from now on must say who may use it. Comes first, so that every request without a token gets the same response. */
export function checkAccess(server: FastifyInstance, dependencies: CheckDependencies): void {
  server.decorateRequest('identity', null)
  server.addHook('onRoute', ({ url, config }) => {
    if (!config?.isPublic && !config?.scope) throw new Error(`${url} declares no scope`)
  })
  server.addHook('onRequest', async (request, reply) => {
    const authentication = await dependencies.access.authenticate(request)
    if (authentication.outcome === 'admitted') request.identity = authentication.identity
    else if (!request.routeOptions.config.isPublic)
      return refuseLogin(dependencies, authentication.outcome, request, reply)
    return undefined
  })
}

/** The response to a request that was not admitted. */
export async function refuseLogin(
  { failedLogins }: CheckDependencies,
  outcome: Exclude<Authentication['outcome'], 'admitted'>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (outcome === 'absent' && isForBrowser(request)) return reply.redirect(signInAddress(request), 303)
  if (outcome === 'foreign')
    return sendProblem(
      reply,
      'origin_not_allowed',
      'a session acts only for pages of this server or in ALLOWED_ORIGINS',
    )
  if (outcome === 'unchecked')
    return sendProblem(reply, 'token_unchecked', 'the log that knows the token cannot be read; try again')
  const waitSeconds = outcome === 'wrong' ? await failedLogins(request.ip) : null
  if (waitSeconds === null) return sendUnauthorized(reply)
  return sendProblem(reply, 'too_many_failed_logins', 'too many requests from this address had a wrong token', {
    retryAfterSeconds: waitSeconds,
  })
}

/**
 * Whether a person opened the address in a browser: a page of the dashboard, or an address that has nothing. The API answers programs
 * there.
 */
export const isForBrowser = ({ is404, method, url, routeOptions, headers }: FastifyRequest): boolean =>
  (routeOptions.config.isPage === true || (is404 && method === 'GET' && !/^\/(v1|ws|assets)(\/|$)/.test(url))) &&
  headers.accept?.includes('text/html') === true

/** The page to sign in on, which leads back to the page that was asked for. */
function signInAddress({ method, url }: FastifyRequest): string {
  const path = method === 'GET' ? localPath(url) : '/'
  return path === '/' ? '/login' : `/login?to=${encodeURIComponent(path)}`
}

/** The response to a request whose token lacks a scope (RFC 6750); undefined if it has it. */
export function refuseWithoutScope(
  { identity }: FastifyRequest,
  reply: FastifyReply,
  scope: TokenScope,
): FastifyReply | undefined {
  if (identity?.scopes.has(scope)) return undefined
  void reply.header('www-authenticate', `Bearer error="insufficient_scope", scope="${scope}"`)
  return sendProblem(reply, 'scope_missing', `the token lacks the scope ${scope}`, { details: { scope } })
}

/** Refuses requests whose token lacks the scope of their route. */
export function checkScopes(server: FastifyInstance): void {
  server.addHook('onRequest', async (request, reply) => {
    const { scope, isPublic } = request.routeOptions.config
    const known = TokenScope.safeParse(scope)
    return isPublic || !known.success ? undefined : refuseWithoutScope(request, reply, known.data)
  })
}

/** The identity of a request that passed the hooks. */
export function identityOf({ identity }: FastifyRequest): Identity {
  if (!identity) throw new Error('the request passed its hooks without an identity')
  return identity
}
