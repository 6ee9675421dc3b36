import type { FastifyInstance } from 'fastify'
import { isoTime } from '../../platform/clock.ts'
import { identityOf } from '../access/check-access.ts'

/** `GET /v1/me`: the subject and the scopes of the one who asks, and until when. */
export function meRoute(server: FastifyInstance): void {
  server.get('/v1/me', { config: { scope: 'any' } }, async (request, reply) => {
    const { subject, scopes, tokens, expiresAtMs, sessionId } = identityOf(request)
    return reply.send({
      subject,
      scopes: [...scopes],
      /** Null: the first token, the one in the settings. */
      token: tokens[0] ?? null,
      expiresAt: expiresAtMs === null ? null : isoTime(expiresAtMs),
      via: sessionId === null ? 'token' : 'session',
    })
  })
}
