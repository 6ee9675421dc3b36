import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'

const tagged = /^(application\/json|text\/csv)\b/

/**
 * Gives each answer to a GET that is JSON or CSV a tag of its bytes, and answers 304 without them to a client that has them (RFC 9110,
 * 8.8.3 and 13.1.2). Clients must ask again before each use: what they may see and what is true can change at any time.
 */
export function entityTags(server: FastifyInstance): void {
  server.addHook<string>('onSend', async (request, reply, payload) => {
    const isTagged =
      (request.method === 'GET' || request.method === 'HEAD') &&
      reply.statusCode === 200 &&
      typeof payload === 'string' &&
      tagged.test(String(reply.getHeader('content-type')))
    if (!isTagged) return payload
    const tag = `"${createHash('sha256').update(payload).digest('base64url').slice(0, 22)}"`
    void reply.headers({ etag: tag, 'cache-control': 'private, no-cache', vary: 'authorization, cookie' })
    if (!names(request.headers['if-none-match'], tag)) return payload
    void reply.code(304).removeHeader('content-type').removeHeader('content-length')
    return ''
  })
}

/** Whether an If-None-Match names a tag. The comparison is weak: proxies that compress make tags weak. */
const names = (header: string | undefined, tag: string): boolean =>
  header !== undefined &&
  (header.trim() === '*' || header.split(',').some((one) => one.trim().replace(/^W\//, '') === tag))
