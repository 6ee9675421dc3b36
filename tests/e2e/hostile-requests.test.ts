import { once } from 'node:events'
import { createServer } from 'node:http'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parseClientFrame } from '../../src/api/chat/frames.ts'
import { answerClientError } from '../../src/api/http-faults.ts'
import { problemCodes } from '../../src/api/problem.ts'
import { exchange, printRequest, type RawResponse } from '../support/raw-http.ts'
import { adminToken } from '../support/served-council.ts'
import { serveForTests } from '../support/test-scene.ts'

/** Every run sends the same requests. */
const seed = 20_261_125
const scene = serveForTests({ roles: 'api' })

const Authorization = `Bearer ${adminToken}`
const handshake = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
const ask = async (method: string, path: string, headers: Record<string, string> = {}, body = '') =>
  (await exchange(scene.council.url, printRequest(method, path, headers, body), method))[0]
const raw = async (bytes: string | Buffer) => (await exchange(scene.council.url, bytes))[0]

function expectProblem(response: RawResponse | undefined, status: number, code: string): void {
  expect(response).toMatchObject({ status, headers: { 'content-type': 'application/problem+json; charset=utf-8' } })
  expect(JSON.parse(response?.body ?? '')).toMatchObject({
    status,
    code,
    title: code.replaceAll('_', ' '),
    detail: expect.any(String),
  })
}

describe('a malformed request', () => {
  test.each<[string, string, number, string]>([
    ['noise', 'hello', 400, 'malformed_request'],
    ['an unknown method', 'SHOUT / HTTP/1.1', 400, 'malformed_request'],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000', 400, 'malformed_request'],
    ['a header without a name', 'GET / HTTP/1.1\r\n: x', 400, 'malformed_request'],
    ['two lengths', 'POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2', 400, 'malformed_request'],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked',
      400,
      'malformed_request',
    ],
    ['headers of 20 KiB', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`, 431, 'headers_too_large'],
    ['an address of 20 KiB', `GET /${'x'.repeat(20_000)} HTTP/1.1`, 431, 'headers_too_large'],
    ['HTTP/3.7', 'GET / HTTP/3.7', 505, 'http_version_unsupported'],
  ])('(%s) gets a problem with a code, and ends the connection', async (_, head, status, code) => {
    const response = await raw(Buffer.from(`${head}\r\n\r\n`, 'latin1'))
    expectProblem(response, status, code)
    expect(response?.headers['connection']).toBe('close')
  })

  test('that comes too slowly gets a problem with a code', async () => {
    const slow = createServer({ requestTimeout: 50, headersTimeout: 50, connectionsCheckingInterval: 10 }).on(
      'clientError',
      answerClientError,
    )
    await once(slow.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void slow.close())
    const address = slow.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const [response] = await exchange(
      `http://127.0.0.1:${address.port}`,
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n',
    )
    expectProblem(response, 408, 'request_timeout')
  })
})

describe('a request with a token', () => {
  test.each<[string, string, string, Record<string, string>, number, string]>([
    ['no upgrade', 'GET', '/ws/chat', {}, 426, 'upgrade_required'],
    ['POST to the chat', 'POST', '/ws/chat', {}, 405, 'method_not_allowed'],
    ['an escaped path', 'GET', '/ws/ch%61t', handshake, 400, 'bad_handshake'],
    ['an upgrade of another path', 'GET', '/v1/nothing', handshake, 404, 'not_found'],
    ['a method that the path lacks', 'DELETE', '/v1/treasury/accounts', {}, 405, 'method_not_allowed'],
    ['an expectation', 'GET', '/v1/nothing', { Expect: 'the-unexpected' }, 404, 'not_found'],
    ['CONNECT', 'CONNECT', 'example.org:443', {}, 405, 'method_not_allowed'],
  ])('%s gets a problem with a code', async (_, method, path, headers, status, code) => {
    expectProblem(await ask(method, path, { Authorization, ...headers }), status, code)
  })

  test.each<[string, Record<string, string>, number, string]>([
    ['an old version', { 'Sec-WebSocket-Version': '7' }, 400, 'bad_handshake'],
    ['a short key', { 'Sec-WebSocket-Key': 'eA==' }, 400, 'bad_handshake'],
    ['malformed sub-protocols', { 'Sec-WebSocket-Protocol': 'council.v1,,' }, 400, 'bad_handshake'],
    ['an unknown sub-protocol', { 'Sec-WebSocket-Protocol': 'graphql-ws, council.v2' }, 400, 'subprotocol_unsupported'],
    ['an origin that is not listed', { Origin: 'https://evil.example' }, 403, 'origin_not_allowed'],
  ])('a handshake with %s gets a problem with a code', async (_, headers, status, code) => {
    expectProblem(await ask('GET', '/ws/chat', { Authorization, ...handshake, ...headers }), status, code)
  })

  test('no Host gets a problem with a code', async () => {
    const response = await raw(`GET /v1/nothing HTTP/1.1\r\nAuthorization: ${Authorization}\r\n\r\n`)
    expectProblem(response, 400, 'malformed_request')
  })

  test.each(['bearer', 'BEARER', 'Bearer  ', 'bEaReR   '])('the scheme may be written %j', async (scheme) => {
    expectProblem(await ask('GET', '/v1/nothing', { Authorization: `${scheme} ${adminToken}` }), 404, 'not_found')
  })

  test.each([[{}], [{ 'Sec-WebSocket-Protocol': 'graphql-ws, council.v1' }]])(
    'a handshake with %j is upgraded',
    async (offered) => {
      expect(await ask('GET', '/ws/chat', { ...handshake, Authorization, ...offered })).toMatchObject({ status: 101 })
    },
  )
})

describe('a client without a token', () => {
  const paths = [
    '/v1/commands/OpenAccount',
    '/v1/commands/Nothing',
    '/v1/treasury/accounts',
    '/v1/treasury/accounts/reserve',
    '/v1/nothing',
    '/ws/chat',
    '/',
    '/%zz',
    `/v1/treasury/accounts/${'x'.repeat(300)}`,
    '/ws/ch%61t',
  ]
  const variants: [Record<string, string>, string][] = [
    [{}, ''],
    [{ 'Content-Type': 'application/json', 'Content-Length': '8' }, '{"from":'],
    [{ 'Content-Type': 'text/html', 'Content-Length': '1' }, 'x'],
    [{ Origin: 'https://evil.example' }, ''],
    [handshake, ''],
    [{ ...handshake, 'Sec-WebSocket-Version': '1' }, ''],
    [{ Expect: 'the-unexpected' }, ''],
  ]

  test.each(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND'])(
    'that sends %s gets the same answer for every path',
    async (method) => {
      for (const [headers, body] of variants) {
        const answers = await Promise.all(paths.map((path) => ask(method, path, headers, body)))
        const told = answers.map((answer) => ({ ...answer, headers: { ...answer?.headers, date: 'then' } }))
        expect(told[0]).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } })
        for (const answer of told) expect(answer).toEqual(told[0])
      }
    },
  )
})

describe('any input', () => {
  const knownStatuses = new Set([101, 200, 400, 401, 403, 404, 405, 408, 413, 415, 426, 431, 505])
  const codes = new Set<string>([...problemCodes, 'malformed_command', 'id_expired', 'id_ahead', 'read_model_behind'])
  const split = (list: string) => list.split(/\s+/)
  const words = split('x 13 websocket Upgrade close chunked council.v1 application/json " \u00ff')
  const names = split(`Authorization Upgrade Connection Sec-WebSocket-Key Sec-WebSocket-Version Sec-WebSocket-Protocol
    Content-Type Transfer-Encoding Origin Idempotency-Key Host`)
  const paths = split('/ws/chat /v1/commands/OpenAccount /v1/treasury/accounts /livez /health * http://x/')
  const word = fc.oneof(fc.constantFrom('', ...words), fc.string({ unit: 'binary-ascii', maxLength: 20 }))
  const header = fc.tuple(fc.oneof(fc.constantFrom(...names), word), word)
  const request = fc.record({
    method: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('GET', 'POST', 'OPTIONS', 'PUT', 'TRACE', 'QUERY') },
      { weight: 1, arbitrary: word },
    ),
    path: fc.oneof(fc.constantFrom(...paths), fc.webPath(), word),
    version: fc.oneof(
      { weight: 9, arbitrary: fc.constant('HTTP/1.1') },
      { weight: 1, arbitrary: fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'HTTP/9.9', '') },
    ),
    isKnown: fc.boolean(),
    headers: fc.array(header, { maxLength: 6 }),
    body: fc.oneof(fc.constant(''), fc.json(), fc.string({ unit: 'binary-ascii' })),
    /** The difference between the Content-Length and the length of the body. */
    off: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -3, max: 3 }) }),
  })

  test('over HTTP gets a known status, and a code if it is a problem', async () => {
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, version, isKnown, headers, body, off }) => {
        const all = [
          ['Host', 'council'],
          ...(isKnown ? [['Authorization', Authorization]] : []),
          ...headers,
          ...(body ? [['Content-Length', String(Math.max(0, body.length + off))]] : []),
        ]
        const text = `${method} ${path} ${version}\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
        const [response] = await exchange(scene.council.url, Buffer.from(text, 'latin1'))
        if (!response) throw new Error('no answer')
        expect(knownStatuses).toContain(response.status)
        if (response.status < 400) return
        expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8')
        expect(codes).toContain((JSON.parse(response.body) as { code: string }).code)
      }),
      { seed, numRuns: 200 },
    )
    expectProblem(await ask('GET', '/v1/nothing', { Authorization }), 404, 'not_found')
  })

  test('as a frame gets a documented frame, and the socket stays open', async () => {
    const client = await scene.connect()
    const id = fc.constantFrom('019ac000-0000-7000-8000-000000000001', 'x', 7, null)
    const known = fc.constantFrom(
      'mode',
      'chats?limit=1',
      'budgets?limit=x',
      'budgets?limit',
      'bounties/7',
      'bounties/%',
    )
    const topic = fc.oneof(known, fc.string(), fc.integer())
    const frame = fc.record(
      {
        type: fc.constantFrom('resume', 'cancel', 'approve', 'deny', 'subscribe', 'unsubscribe', 'ping', 'shout', 7),
        requestId: id,
        lastEventId: fc.oneof(fc.constantFrom('0-0~0', '1-1~999999999', ''), fc.string()),
        approvalId: id,
        topics: fc.oneof(fc.array(topic, { maxLength: 3 }), fc.jsonValue()),
        after: fc.constantFrom('0-0', 'x', 7),
        extra: fc.jsonValue(),
      },
      { requiredKeys: ['type'] },
    )
    const text = fc.oneof(
      frame.map((value) => JSON.stringify(value)),
      frame.map((value) => JSON.stringify(value).replace('{', '{"type":"ping",')),
      fc.string(),
      fc.json(),
    )
    await fc.assert(
      fc.asyncProperty(text, async (bytes) => {
        const before = client.frames.length
        client.sendRaw(bytes)
        // Frames of a socket are handled one after the other.
        client.send({ type: 'ping' })
        const pongs = client.frames.filter(({ type }) => type === 'pong').length
        await client.frame('pong', pongs + 1)
        const replies = isUnsubscribe(bytes) ? 1 : 2
        await expect.poll(() => client.frames.length, { timeout: 15_000 }).toBeGreaterThanOrEqual(before + replies)
      }),
      { seed, numRuns: 200 },
    )
    const documented = split(`pong malformed_frame unknown_frame bad_resume_point prompt_unknown read_model_behind
      approval_unknown malformed_command change topic_unknown malformed_request not_found`)
    const received = client.frames.map((frame) => (frame.type === 'error' ? frame.code : frame.type))
    expect(received.filter((name) => !documented.includes(name))).toEqual([])
    client.close()
    expect((await client.closed).code).toBe(1005)
  })
})

/** The one frame that has no reply if it is well-formed. */
const isUnsubscribe = (text: string): boolean => {
  const parsed = parseClientFrame(text)
  return parsed.ok && parsed.frame.type === 'unsubscribe'
}
