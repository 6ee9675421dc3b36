import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendProblem } from '../problem.ts'
import type { Access } from './access.ts'
import { identityOf } from './check-access.ts'
import type { FailedLogins } from './failed-logins.ts'
import type { Identity } from './identity.ts'
import { localPath } from './local-path.ts'
import type { Origins } from './origins.ts'
import { noSessionCookie, sessionCookie } from './session-cookie.ts'
import type { Sessions } from './sessions.ts'
import { signInPage } from './sign-in-page.ts'

export type SignInDependencies = {
  access: Pick<Access, 'identityOf' | 'identityOfHolder' | 'holderOf'>
  sessions: Sessions
  origins: Origins
  failedLogins: FailedLogins
}

const maxFormBytes = 4096
const away = 'Redis does not answer, so signing in is impossible now. Try again.'

/**
 * How browsers sign in and out: a program that holds a token gets a ticket for `GET /login`, or a person pastes a token into the page.
 * Both open a session, whose secret only a cookie has, and lead to the page of this server that `to` names.
 */
export async function signInRoutes(server: FastifyInstance, dependencies: SignInDependencies): Promise<void> {
  const { access, sessions, origins } = dependencies
  const admit = async (reply: FastifyReply, identity: Identity, to: string): Promise<FastifyReply> => {
    const { secret, maxAgeSeconds } = await sessions.open(access.holderOf(identity))
    return reply
      .headers({ 'set-cookie': sessionCookie(secret, maxAgeSeconds), 'cache-control': 'no-store' })
      .redirect(to, 303)
  }

  server.post('/v1/tickets', { config: { scope: 'any' } }, async (request, reply) => {
    const identity = identityOf(request)
    // Else a session could go on for ever.
    if (identity.sessionId !== null)
      return sendProblem(reply, 'bearer_needed', 'a session makes no tickets: Authorization: Bearer <token> is needed')
    const ticket = await sessions.issueTicket(access.holderOf(identity)).catch(() => null)
    if (ticket === null) return sendProblem(reply, 'token_unchecked', away)
    return reply.header('cache-control', 'no-store').send({ ticket, path: `/login?ticket=${ticket}` })
  })

  server.get<{ Querystring: { ticket?: unknown; to?: unknown } }>(
    '/login',
    { config: { isPublic: true } },
    async (request, reply) => {
      const { ticket } = request.query
      const to = localPath(request.query.to)
      if (typeof ticket !== 'string') return signInPage(reply, 200, to)
      // A link on another page could sign its visitor in as another subject.
      if (!['none', 'same-origin', undefined].includes(siteOf(request)))
        return signInPage(reply, 403, to, 'This link works only from the address bar.')
      try {
        const holder = await sessions.redeem(ticket)
        const identity = holder && (await access.identityOfHolder(holder))
        return await (identity
          ? admit(reply, identity, to)
          : signInPage(reply, 401, to, 'This link was used, or is too old.'))
      } catch {
        return signInPage(reply, 503, to, away)
      }
    },
  )

  await server.register(async (forms) => {
    forms.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, new URLSearchParams(String(body))),
    )
    forms.post('/login', { config: { isPublic: true }, bodyLimit: maxFormBytes }, async (request, reply) => {
      if (!origins.isFromPage(request.headers))
        return sendProblem(reply, 'origin_not_allowed', 'only the page of this server signs in')
      const fields = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
      const token = (fields.get('token') ?? '').trim()
      const to = localPath(fields.get('to'))
      try {
        const identity = await access.identityOf(token)
        return await (identity ? admit(reply, identity, to) : refuse(dependencies, request, reply, to))
      } catch {
        return signInPage(reply, 503, to, away)
      }
    })
    forms.post(
      '/logout',
      { config: { scope: 'any', isPage: true }, bodyLimit: maxFormBytes },
      async (request, reply) => {
        const { sessionId } = identityOf(request)
        if (sessionId !== null) await sessions.end(sessionId)
        return reply.header('set-cookie', noSessionCookie).redirect('/login', 303)
      },
    )
  })
}

async function refuse(
  { failedLogins }: SignInDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  to: string,
): Promise<FastifyReply> {
  const waitSeconds = await failedLogins(request.ip)
  if (waitSeconds === null) return signInPage(reply, 401, to, 'The council does not take this token.')
  return signInPage(
    reply.header('retry-after', waitSeconds),
    429,
    to,
    'Too many wrong tokens came from your address. Wait a minute.',
  )
}

function siteOf({ headers }: FastifyRequest): string | undefined {
  const site = headers['sec-fetch-site']
  return typeof site === 'string' ? site : undefined
}
