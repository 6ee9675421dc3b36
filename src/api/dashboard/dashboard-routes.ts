import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendProblem } from '../problem.ts'
import type { Asset, Dashboard } from './bundle.ts'

/**
 * Nothing but the page's own files runs, and it talks to its own server alone. Text never becomes markup: with Trusted Types and no
 * policy, assigning HTML throws.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const securityHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  // Signing out is a form, which needs its Origin: a page without a referrer sends none.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
}

/** The addresses of pages. The browser's part chooses the page by the address. */
const pages = [
  ...['/', '/chat/:conversationId', '/approvals'],
  ...['/money', '/money/bounties', '/money/bounties/:bountyId', '/council', '/council/:electionId'],
  ...['/log', '/operations', '/docs'],
]

/** The dashboard. A browser that is not signed in is sent to the sign-in page. Its files hold nothing secret, so they are public. */
export function dashboardRoutes(server: FastifyInstance, { page, assets }: Dashboard): void {
  for (const path of pages)
    server.get(path, { config: { scope: 'any', isPage: true } }, (request, reply) =>
      send(request, reply.headers(securityHeaders), page, 'no-cache'),
    )
  server.get<{ Params: { name: string } }>('/assets/:name', { config: { isPublic: true } }, (request, reply) => {
    const asset = assets.get(request.params.name)
    if (!asset) return sendProblem(reply, 'not_found', 'the dashboard has no such file; load its page again')
    return send(request, reply.headers(securityHeaders), asset, 'public, max-age=31536000, immutable')
  })
}

/** The dashboard says that it has no such page. */
export const sendNothingHere = (request: FastifyRequest, reply: FastifyReply, { page }: Dashboard): FastifyReply =>
  send(request, reply.code(404).headers(securityHeaders), page, 'no-store')

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  { type, body, gzipped, etag }: Asset,
  cacheControl: string,
): FastifyReply {
  void reply.headers({ 'cache-control': cacheControl, etag, vary: 'accept-encoding' })
  if (request.headers['if-none-match'] === etag) return reply.code(304).send()
  const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
  return takesGzip ? reply.type(type).header('content-encoding', 'gzip').send(gzipped) : reply.type(type).send(body)
}
