import { once } from 'node:events'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { frameScopes } from '../../../src/api/chat/frame-scopes.ts'
import { ClientFrame, ServerFrame } from '../../../src/api/chat/frames.ts'
import { queries } from '../../../src/api/queries/queries.ts'
import { publicCommands } from '../../../src/commands/registry.ts'
import { tokenScopes, type TokenScope } from '../../../src/events/token.ts'
import { startApiServer } from '../../support/api-server.ts'
import { newId } from '../../support/council.ts'
import { adminToken } from '../../support/served-council.ts'
import { bearer } from '../../support/tokens.ts'

/** Who may use each route. A route of the server that is not here fails the tests, and so does a line without a route. */
const routeRows: Record<string, TokenScope | 'public' | 'by_command' | 'by_frame' | 'any'> = {
  'GET /': 'any',
  'GET /login': 'public',
  'POST /login': 'public',
  'POST /logout': 'any',
  'POST /v1/tickets': 'any',
  'GET /livez': 'public',
  'GET /readyz': 'public',
  'GET /health': 'public',
  'GET /openapi.json': 'public',
  'GET /asyncapi.json': 'public',
  'GET /chat/:conversationId': 'any',
  'GET /approvals': 'any',
  'GET /money': 'any',
  'GET /money/bounties': 'any',
  'GET /money/bounties/:bountyId': 'any',
  'GET /council': 'any',
  'GET /log': 'any',
  'GET /operations': 'any',
  'GET /docs': 'any',
  'GET /council/:electionId': 'any',
  'GET /assets/:name': 'public',
  'POST /v1/commands/:name': 'by_command',
  'GET /v1/treasury/accounts': 'treasury:read',
  'GET /v1/treasury/accounts/:id': 'treasury:read',
  'GET /v1/treasury/accounts/:id/entries': 'treasury:read',
  'GET /v1/budgets': 'treasury:read',
  'GET /v1/policies': 'treasury:read',
  'GET /v1/prices': 'treasury:read',
  'GET /v1/costs': 'treasury:read',
  'GET /v1/agents': 'chat:read',
  'GET /v1/agents/:id': 'chat:read',
  'GET /v1/bounties': 'chat:read',
  'GET /v1/bounties/:id': 'chat:read',
  'GET /v1/elections': 'chat:read',
  'GET /v1/elections/:id': 'chat:read',
  'GET /v1/elections/:id/recount': 'chat:read',
  'GET /v1/members': 'chat:read',
  'GET /v1/chats': 'chat:read',
  'GET /v1/chats/:id': 'chat:read',
  'GET /v1/chats/:id/receipt': 'chat:read',
  'GET /v1/approvals': 'chat:read',
  'GET /v1/approvals/:id': 'chat:read',
  'GET /v1/mode': 'chat:read',
  'GET /v1/tokens': 'tokens:write',
  'GET /v1/models': 'chat:read',
  'GET /v1/models/:model': 'chat:read',
  'POST /v1/chat/completions': 'chat:send',
  'POST /v1/responses': 'chat:send',
  'GET /v1/schedule': 'events:read',
  'GET /v1/events': 'events:read',
  'GET /v1/events/:position': 'events:read',
  'GET /v1/states/:stream': 'events:read',
  'GET /v1/log': 'ops:audit',
  'GET /v1/projections': 'ops:audit',
  'POST /v1/projections/:name/rebuild': 'ops:rebuild',
  'GET /v1/verification': 'ops:audit',
  'POST /v1/verification': 'ops:audit',
  'DELETE /v1/verification': 'ops:audit',
  'GET /v1/me': 'any',
  'GET /ws/chat': 'by_frame',
}

const commandRows: Record<string, TokenScope> = {
  RegisterAgent: 'treasury:write',
  OpenAccount: 'treasury:write',
  TransferFunds: 'treasury:write',
  ReserveFunds: 'treasury:write',
  SettleReservation: 'treasury:write',
  ReleaseReservation: 'treasury:write',
  FreezeAccount: 'treasury:write',
  UnfreezeAccount: 'treasury:write',
  FreezeTreasury: 'treasury:write',
  UnfreezeTreasury: 'treasury:write',
  SetAccountLimits: 'treasury:write',
  SetBudgetPolicy: 'treasury:write',
  SwitchMode: 'mode:write',
  SetApprovalPolicy: 'mode:write',
  RequestApproval: 'chat:send',
  EditApproval: 'approvals:write',
  GrantApproval: 'approvals:write',
  DenyApproval: 'approvals:write',
  ProposeBounty: 'bounties:write',
  OpenBounty: 'bounties:write',
  FundBounty: 'bounties:write',
  ClaimBounty: 'bounties:write',
  SubmitBountyWork: 'bounties:write',
  CancelBounty: 'bounties:write',
  IssueToken: 'tokens:write',
  RevokeToken: 'tokens:write',
}

const frameRows: Record<ClientFrame['type'], { scope: TokenScope | null; frame: ClientFrame }> = {
  prompt: { scope: 'chat:send', frame: { type: 'prompt', text: 'x' } },
  resume: { scope: 'chat:read', frame: { type: 'resume', requestId: newId() } },
  cancel: { scope: 'chat:send', frame: { type: 'cancel', requestId: newId() } },
  approve: { scope: 'approvals:write', frame: { type: 'approve', approvalId: 'x' } },
  deny: { scope: 'approvals:write', frame: { type: 'deny', approvalId: 'x' } },
  subscribe: { scope: null, frame: { type: 'subscribe', topics: ['treasury'] } },
  unsubscribe: { scope: null, frame: { type: 'unsubscribe', topics: ['mode'] } },
  ping: { scope: null, frame: { type: 'ping' } },
}

const api = await startApiServer()
afterAll(() => api.server.close())

const { token: withoutScopes } = api.issue()
/** A token for each scope that has only this scope. */
const tokenOf = new Map(tokenScopes.map((scope) => [scope, api.issue({ scopes: [scope] }).token]))

/** Every way to carry a credential that admits. */
const carriers: Record<string, (token: string) => Promise<Record<string, string>>> = {
  'Authorization: Bearer': async (token) => bearer(token),
  'authorization: bearer, in lower case': async (token) => ({ authorization: `bearer ${token}` }),
  'the cookie of a session': async (token) => {
    const answer = await postForm('/login', `token=${encodeURIComponent(token)}`, page())
    return { ...page(), cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' }
  },
}

/** What a client may try, and must not get in by. */
const noCarriers: Record<string, (token: string) => { headers?: Record<string, string>; query?: string }> = {
  'no credential': () => ({}),
  'a query parameter': (token) => ({ query: `?token=${token}&access_token=${token}` }),
  'X-API-Key': (token) => ({ headers: { 'x-api-key': token } }),
  'a cookie': (token) => ({ headers: { cookie: `token=${token}; council=${token}` } }),
  'Basic authentication': (token) => ({
    headers: { authorization: `Basic ${Buffer.from(`user:${token}`).toString('base64')}` },
  }),
  'the bare token': (token) => ({ headers: { authorization: token } }),
  'another scheme': (token) => ({ headers: { authorization: `Token ${token}` } }),
  'Proxy-Authorization': (token) => ({ headers: { 'proxy-authorization': `Bearer ${token}` } }),
}

const ofServer = api.routes.filter(({ method, config }) => method !== 'HEAD' && config.scope !== 'nothing')
const concrete = (path: string): string => path.replace(':name', 'FreezeTreasury').replace(':id', newId())

/** What a request gets before any handler sees it: `admitted`, or why not. */
async function verdict(
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ verdict: string; scope?: unknown }> {
  const response = await fetch(`${api.url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...headers,
      ...(path.startsWith('/login') && page()),
      ...(method === 'POST' && { 'content-type': 'application/json', 'idempotency-key': newId() }),
    },
    ...(method === 'POST' && { body: '{}' }),
  })
  const isJson = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '')
  const text = await response.text()
  const body = (isJson ? JSON.parse(text) : {}) as {
    code?: string
    details?: { scope?: string }
    error?: { code: string }
  }
  if (isJson && response.status === 401) return { verdict: 'unauthorized' }
  // A session makes no tickets, whatever its scopes.
  if (isJson && response.status === 403 && body.code !== 'bearer_needed') {
    // Errors in the form of OpenAI have no details; the header names the scope everywhere.
    const header = response.headers.get('www-authenticate') ?? ''
    const scope = /^Bearer error="insufficient_scope", scope="(.+)"$/.exec(header)?.[1]
    if (body.details) expect(body.details.scope).toBe(scope)
    return { verdict: body.code ?? body.error?.code ?? 'no code', scope }
  }
  return { verdict: 'admitted' }
}

describe('the matrix', () => {
  test('has a row for each route, and each route declares what the row says', () => {
    const declared = ofServer.map(({ method, path, config }) => [
      `${method} ${path}`,
      config.isPublic ? 'public' : config.scope,
    ])
    expect(Object.fromEntries(declared)).toEqual(routeRows)
    expect(new Set(api.routes.map(({ config }) => config.isPublic || config.scope !== undefined))).toEqual(
      new Set([true]),
    )
  })

  test('has a row for each command', () => {
    expect(Object.fromEntries([...publicCommands].map(([name, { scope }]) => [name, scope]))).toEqual(commandRows)
  })

  test('has a row for each frame', () => {
    const types = ClientFrame.options.map(({ shape }) => shape.type.value)
    expect(Object.keys(frameRows).toSorted()).toEqual(types.toSorted())
    expect(frameScopes).toEqual(Object.fromEntries(Object.entries(frameRows).map(([type, { scope }]) => [type, scope])))
  })

  test('lets no scope be without use, but for the one that widens others', () => {
    const used = new Set<unknown>([...Object.values(routeRows), ...Object.values(commandRows)])
    const unused = tokenScopes.filter((scope) => !used.has(scope))
    expect(unused).toEqual(['chat:read-all'])
  })
})

describe('a token that cannot be checked', () => {
  test('gets 503 with the time to retry, on every route and socket but public ones', async () => {
    const { token } = api.issue({ scopes: [...tokenScopes] })
    api.tokensAway(true)
    onTestFinished(() => api.tokensAway(false))
    const answer = await fetch(`${api.url}/v1/mode`, { headers: bearer(token) })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(await answer.json()).toMatchObject({ code: 'token_unchecked' })
    expect((await fetch(`${api.url}/livez`, { headers: bearer(token) })).status).toBe(200)
    const socket = new WebSocket(`${api.url.replace('http', 'ws')}/ws/chat`, ['council.v1'], { headers: bearer(token) })
    const [error] = (await once(socket, 'error')) as [Error]
    expect(error.message).toContain('503')
  })
})

test('a route that declares no scope cannot be added', () => {
  expect(() => api.server.get('/new', () => ({}))).toThrow()
})

describe.each(Object.entries(carriers))('with %s', (_, carry) => {
  test.each(Object.entries(routeRows))('%s admits exactly: %s', async (route, row) => {
    const [method = '', path = ''] = route.split(' ')
    if (row === 'by_command' || row === 'by_frame')
      return expect(await verdict(method, concrete(path))).toEqual({ verdict: 'unauthorized' })
    const own = row === 'public' || row === 'any' ? null : row
    for (const [scope, token] of [...tokenOf, ['none', withoutScopes]] as const) {
      const expected =
        own === null || own === scope ? { verdict: 'admitted' } : { verdict: 'scope_missing', scope: own }
      expect({ scope, ...(await verdict(method, concrete(path), await carry(token))) }).toEqual({
        scope,
        ...expected,
        ...('scope' in expected && { scope: own }),
      })
    }
    expect(await verdict(method, concrete(path), await carry(adminToken))).toEqual({ verdict: 'admitted' })
    return undefined
  })

  test.each(Object.entries(commandRows))('%s admits exactly: %s', async (name, own) => {
    const path = `/v1/commands/${name}`
    for (const [scope, token] of [...tokenOf, ['none', withoutScopes]] as const)
      expect([scope, await verdict('POST', path, await carry(token))]).toEqual([
        scope,
        own === scope ? { verdict: 'admitted' } : { verdict: 'scope_missing', scope: own },
      ])
    expect(await verdict('POST', path, await carry(adminToken))).toEqual({ verdict: 'admitted' })
  })

  test.each(Object.entries(frameRows))('a frame %s admits exactly its scope', async (_type, { scope: own, frame }) => {
    for (const scope of tokenScopes) {
      const { token } = api.issue({ scopes: [...new Set<TokenScope>(['chat:read', scope])] })
      const held = new Set<TokenScope>(['chat:read', scope])
      const socket = await connect(await carry(token))
      socket.send(frame)
      // For a frame that has no reply of its own.
      socket.send({ type: 'ping' })
      const reply = await socket.reply()
      const isMissing = reply.type === 'error' && reply.code === 'scope_missing'
      expect([scope, isMissing]).toEqual([scope, own !== null && !held.has(own)])
      if (isMissing) expect(reply.scope).toBe(own)
      socket.close()
    }
  })

  test.each(queries.map(({ path, scope }) => [path.replace('/v1/', ''), scope] as const))(
    'a topic %s admits exactly: %s, as its route does',
    async (path, own) => {
      expect(routeRows[`GET /v1/${path}`]).toBe(own)
      for (const scope of tokenScopes) {
        const held = new Set<TokenScope>(['chat:send', scope])
        const socket = await connect(await carry(api.issue({ scopes: [...held] }).token))
        const topic = concrete(path)
        socket.send({ type: 'subscribe', topics: [topic] })
        expect([scope, await socket.reply()]).toEqual([
          scope,
          held.has(own)
            ? {
                type: 'error',
                topic,
                code: expect.stringMatching(/^(read_model_unavailable|not_found)$/),
                message: expect.any(String),
              }
            : { type: 'error', topic, code: 'scope_missing', scope: own, message: `the token lacks the scope ${own}` },
        ])
        socket.close()
      }
    },
  )

  test('a socket stays open with a scope that a frame or a topic needs, and closes with 4003 otherwise', async () => {
    for (const [scope, token] of [...tokenOf, ['none', withoutScopes]] as const) {
      const socket = await connect(await carry(token))
      socket.send({ type: 'ping' })
      const end = await Promise.race([socket.reply().then(({ type }) => type), socket.closed])
      const isOfUse = ['chat:send', 'chat:read', 'treasury:read', 'tokens:write', 'events:read'].includes(scope)
      expect([scope, end]).toEqual([scope, isOfUse ? 'pong' : 4003])
      socket.close()
    }
  })
})

describe.each(Object.entries(noCarriers))('with %s', (_, carry) => {
  test.each(Object.entries(routeRows))('%s (%s) admits only if it is public', async (route, row) => {
    const [method = '', path = ''] = route.split(' ')
    for (const token of [adminToken, tokenOf.get('chat:read') ?? '']) {
      const { headers, query = '' } = carry(token)
      expect(await verdict(method, `${concrete(path)}${query}`, headers)).toEqual({
        verdict: row === 'public' ? 'admitted' : 'unauthorized',
      })
    }
  })

  test('no socket opens', async () => {
    const { headers = {}, query = '' } = carry(adminToken)
    const socket = new WebSocket(`${api.url.replace('http', 'ws')}/ws/chat${query}`, ['council.v1'], { headers })
    const [error] = (await once(socket, 'error')) as [Error]
    expect(error.message).toContain('401')
  })
})

/** The headers of a page of the server itself. */
const page = () => ({ origin: new URL(api.url).origin, 'sec-fetch-site': 'same-origin' })

const postForm = (path: string, body: string, headers: Record<string, string>) =>
  fetch(`${api.url}${path}`, {
    method: 'POST',
    body,
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  })

async function connect(headers: Record<string, string>) {
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}/ws/chat`, ['council.v1'], { headers })
  const replies: ServerFrame[] = []
  const first = Promise.withResolvers<ServerFrame>()
  socket.on('message', (data: Buffer) => {
    replies.push(ServerFrame.parse(JSON.parse(data.toString())))
    first.resolve(replies[0]!)
  })
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  await once(socket, 'open')
  return {
    send: (frame: unknown) => socket.send(JSON.stringify(frame)),
    reply: () => first.promise,
    closed,
    close: () => socket.close(),
  }
}
