import { request } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connectChat } from '../support/chat-client.ts'
import { executeCommand } from '../support/api-client.ts'
import { serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { serveForTests } from '../support/test-scene.ts'
import { bearer, issueToken } from '../support/tokens.ts'

const scene = serveForTests({ roles: 'api' })

type Answer = { status: number; text: string; headers: Record<string, string | string[] | undefined>; cookie: string }
type Asked = { method?: 'GET' | 'POST'; headers?: Record<string, string>; body?: string; at?: { url: string } }

async function ask(
  path: string,
  { method = 'GET', headers = {}, body, at = scene.council }: Asked = {},
): Promise<Answer> {
  const answer = await request(`${at.url}${path}`, { method, headers, ...(body !== undefined && { body }) })
  const [cookie = ''] = String(answer.headers['set-cookie'] ?? '').split(';')
  return { status: answer.statusCode, text: await answer.body.text(), headers: answer.headers, cookie }
}

/** The headers that a browser sends from a page of the council. */
const page = ({ url } = scene.council as { url: string }) => ({ origin: url, 'sec-fetch-site': 'same-origin' })
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const signIn = (token: string, at: { url: string } = scene.council) =>
  ask('/login', {
    method: 'POST',
    headers: { ...form, ...page(at) },
    body: new URLSearchParams({ token }).toString(),
    at,
  })
const issue = async () =>
  (await issueToken(scene.council, { subject: 'user:ada', scopes: ['chat:send', 'chat:read', 'tokens:write'] })).token
const ticketOf = async (token: string) => {
  const { text } = await ask('/v1/tickets', { method: 'POST', headers: bearer(token) })
  return (JSON.parse(text) as { path: string }).path
}

async function replica(settings: Record<string, string> = {}): Promise<ServedCouncil> {
  const council = await serveCouncil({ ...scene.settings, ...settings }, 'api')
  onTestFinished(council.kill)
  return council
}

describe('a browser', () => {
  test('without a session goes from / to the page to sign in; a program gets 401', async () => {
    const browser = await ask('/', { headers: { accept: 'text/html,application/xhtml+xml' } })
    expect(browser).toMatchObject({ status: 303, headers: { location: '/login' } })
    expect((await ask('/', { headers: { accept: 'application/json' } })).status).toBe(401)
    const { status, text, headers } = await ask('/login')
    expect(status).toBe(200)
    expect(text).toContain('<form method="post" action="/login">')
    expect(text).not.toContain('<script')
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
    )
    expect(headers['cache-control']).toBe('no-store')
  })

  test('signs in with a token: the cookie is for this host alone, and admits as the token does', async () => {
    const answer = await signIn(await issue())
    expect(answer).toMatchObject({ status: 303, headers: { location: '/' } })
    expect(answer.headers['set-cookie']).toMatch(
      /^__Host-council=[A-Za-z0-9_-]{43}; Max-Age=43200; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
    )
    const { cookie } = answer
    const signedIn = await ask('/', { headers: { cookie, accept: 'text/html' } })
    expect(signedIn).toMatchObject({ status: 200 })
    expect(signedIn.text).toContain('<div id="app">')
    expect((await ask('/v1/mode', { headers: { cookie } })).status).not.toBe(401)
    expect((await ask('/v1/budgets', { headers: { cookie } })).status).toBe(403)
  })

  test('comes back to the page that it asked for, on this server alone', async () => {
    const html = { accept: 'text/html' }
    const sent = await ask('/money?by=model', { headers: html })
    const address = `/login?to=${encodeURIComponent('/money?by=model')}`
    expect(sent).toMatchObject({ status: 303, headers: { location: address } })
    const { text } = await ask(address)
    expect(text).toContain('<input type="hidden" name="to" value="/money?by=model">')
    const token = await issue()
    const post = (to: string, given = token) =>
      ask('/login', {
        method: 'POST',
        headers: { ...form, ...page() },
        body: new URLSearchParams({ token: given, to }).toString(),
      })
    expect(await post('/money?by=model')).toMatchObject({ status: 303, headers: { location: '/money?by=model' } })
    expect(await post('//evil.example/')).toMatchObject({ status: 303, headers: { location: '/' } })
    const again = await post('/money"><script>', 'a wrong token')
    expect(again.status).toBe(401)
    expect(again.text).toContain('name="to" value="/money%22%3E%3Cscript%3E"')
    const ticket = await ask(`${await ticketOf(token)}&to=%2Fapprovals`, { headers: { 'sec-fetch-site': 'none' } })
    expect(ticket).toMatchObject({ status: 303, headers: { location: '/approvals' } })
  })

  test('gets the dashboard at an address that has nothing, and a program a problem', async () => {
    const { cookie } = await signIn(await issue())
    const html = { accept: 'text/html,application/xhtml+xml' }
    expect(await ask('/nonsense', { headers: html })).toMatchObject({
      status: 303,
      headers: { location: '/login?to=%2Fnonsense' },
    })
    const found = await ask('/nonsense', { headers: { ...html, cookie } })
    expect(found).toMatchObject({ status: 404, headers: { 'content-type': 'text/html; charset=utf-8' } })
    expect(found.text).toContain('<div id="app">')
    for (const path of ['/nonsense', '/v1/nonsense']) {
      const problem = await ask(path, { headers: { cookie, ...(path.startsWith('/v1') && html) } })
      expect(problem.status).toBe(404)
      expect(JSON.parse(problem.text)).toMatchObject({ code: 'not_found' })
    }
  })

  test('signs in once with a ticket, and not by a link of another page', async () => {
    const path = await ticketOf(await issue())
    expect((await ask(path, { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403)
    const first = await ask(path, { headers: { 'sec-fetch-site': 'none' } })
    expect(first).toMatchObject({ status: 303, headers: { location: '/' } })
    expect((await ask('/', { headers: { cookie: first.cookie } })).status).toBe(200)
    expect(await ask(path)).toMatchObject({ status: 401, cookie: '' })
    const made = await ask('/v1/tickets', { method: 'POST', headers: { cookie: first.cookie, ...page() } })
    expect(made).toMatchObject({ status: 403 })
    expect(made.text).toContain('bearer_needed')
  })

  test('with a wrong token sees why, and has to wait after too many', async () => {
    const limited = await replica({ MAX_FAILED_LOGINS_PER_MINUTE: '1' })
    const wrong = await signIn('wrong', limited)
    expect(wrong).toMatchObject({ status: 401, cookie: '' })
    expect(wrong.text).toContain('role="alert"')
    const again = await signIn('wrong', limited)
    expect(again.status).toBe(429)
    expect(Number(again.headers['retry-after'])).toBeGreaterThan(30)
    expect((await signIn(await issue(), limited)).status).toBe(303)
  })

  test.each([
    ['another origin', { origin: 'http://evil.example' }],
    ['the same host under another port', { origin: 'http://127.0.0.1:1' }],
    ['no origin', {}],
  ])('cannot be used by a page of %s', async (_, from) => {
    const { cookie } = await signIn(await issue())
    const headers = { ...from, 'sec-fetch-site': 'same-origin' } as Record<string, string>
    const command = { ...headers, cookie, 'content-type': 'application/json', 'idempotency-key': 'x' }
    expect((await ask('/v1/commands/RevokeToken', { method: 'POST', headers: command, body: '{}' })).status).toBe(403)
    await expect(connectChat(scene.council.url, { ...from, cookie })).rejects.toThrow('403')
    const login = { ...form, ...headers }
    expect((await ask('/login', { method: 'POST', headers: login, body: 'token=x' })).status).toBe(403)
  })
})

describe('signing out', () => {
  test('ends the session on every process, and its sockets with 4001', async () => {
    const other = await replica()
    const token = await issue()
    const { cookie } = await signIn(token)
    const sockets = await Promise.all(
      [scene.council, other].map((at) => connectChat(at.url, { cookie, origin: at.url })),
    )
    const stays = await connectChat(scene.council.url, bearer(token))
    for (const socket of [...sockets, stays]) socket.send({ type: 'ping' })
    await Promise.all([...sockets, stays].map((socket) => socket.frame('pong')))
    const out = await ask('/logout', { method: 'POST', headers: { cookie, ...page() } })
    expect(out).toMatchObject({ status: 303, headers: { location: '/login' } })
    expect(out.headers['set-cookie']).toMatch(/^__Host-council=; Max-Age=0; /)
    expect(await Promise.all(sockets.map(({ closed }) => closed))).toEqual([{ code: 4001 }, { code: 4001 }])
    for (const at of [scene.council, other])
      expect((await ask('/v1/mode', { headers: { cookie }, at })).status).toBe(401)
    stays.send({ type: 'ping' })
    await stays.frame('pong', 2)
  })

  test('is not needed when the token is revoked: the session ends with it', async () => {
    const { token, tokenId } = await issueToken(scene.council, { subject: 'user:ada', scopes: ['chat:read'] })
    const { cookie } = await signIn(token)
    const socket = await connectChat(scene.council.url, { cookie, origin: scene.council.url })
    await executeCommand(scene.council, 'RevokeToken', { tokenId, reason: 'a test' })
    expect(await socket.closed).toEqual({ code: 4001 })
    await expect.poll(async () => (await ask('/v1/mode', { headers: { cookie } })).status).toBe(401)
  })
})
