import fc from 'fast-check'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { maxFrameBytes } from '../../src/api/chat/frames.ts'
import { connectChat } from '../support/chat-client.ts'
import { newId } from '../support/council.ts'
import { adminToken, serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { createDatabase, freshCouncilId, redisUrl } from '../support/shared-servers.ts'
import { startVllmStandIn, type StandIn } from '../support/vllm-stand-in/server.ts'

let model: StandIn
let council: ServedCouncil
beforeAll(async () => {
  model = await startVllmStandIn()
  council = await serveCouncil({
    COUNCIL_ID: freshCouncilId(),
    REDIS_URL: redisUrl,
    REDIS_EPHEMERAL_URL: redisUrl,
    DATABASE_URL: await createDatabase(),
    VLLM_URL: model.url,
    ALLOWED_ORIGINS: 'https://council.example.org',
    MAX_SOCKETS_PER_SUBJECT: '5',
    MAX_COMMANDS_IN_FLIGHT: '2',
  })
})
afterAll(async () => {
  await council.stop()
  await model.close()
})

const authorized = { authorization: `Bearer ${adminToken}` }
const get = async (path: string, headers: Record<string, string> = {}) => {
  const { statusCode, body, headers: answered } = await request(`${council.url}${path}`, { headers })
  const text = await body.text()
  return {
    status: statusCode,
    type: String(answered['content-type']),
    body: JSON.parse(text) as Record<string, unknown>,
  }
}

describe('a stranger', () => {
  test.each([
    ['no token', {}],
    ['a wrong token', { authorization: 'Bearer not-the-token-but-just-as-long-as-it' }],
    ['the token in another scheme', { authorization: `Basic ${adminToken}` }],
    ['a header full of quotes', { authorization: `Bearer ' OR 1=1 --"` }],
    ['a very long header', { authorization: `Bearer ${'x'.repeat(8000)}` }],
  ])('with %s does not get to the chat, before any upgrade', async (_, headers) => {
    await expect(connectChat(council.url, headers)).rejects.toThrow('401')
  })

  test('learns of the health only whether it is good', async () => {
    expect(await get('/health')).toMatchObject({
      status: 200,
      type: 'application/health+json; charset=utf-8',
      body: { status: 'pass' },
    })
    expect(Object.keys((await get('/health')).body)).toEqual(['status'])
  })

  test('does not learn which paths exist', async () => {
    expect(await get('/v1/anything')).toMatchObject({ status: 401, body: { code: 'unauthorized' } })
  })

  test('may ask the probes', async () => {
    expect(await get('/livez')).toMatchObject({ status: 200 })
    expect(await get('/readyz')).toMatchObject({ status: 200 })
  })
})

describe('whoever has the token', () => {
  test('sees every part, whether it is real, and how it is', async () => {
    const { body } = await get('/health', authorized)
    expect(body).toMatchObject({
      status: 'pass',
      checks: {
        log: [{ status: 'pass', kind: 'real' }],
        tokens: [{ status: 'pass', kind: 'real' }],
        'read models': [{ status: 'pass', kind: 'real' }],
        model: [{ status: 'pass', kind: 'real' }],
        graph: [{ status: 'pass', kind: 'missing' }],
      },
    })
  })

  test('gets a problem with a code where nothing is', async () => {
    expect(await get('/v1/nothing', authorized)).toMatchObject({
      status: 404,
      type: 'application/problem+json; charset=utf-8',
      body: { code: 'not_found', status: 404 },
    })
  })

  test('gets in from a listed origin only, compared exactly', async () => {
    const client = await connectChat(council.url, { ...authorized, origin: 'https://council.example.org' })
    client.close()
    for (const origin of [
      'https://evil.example',
      'https://council.example.org.evil.example',
      'http://council.example.org',
      'null',
    ])
      await expect(connectChat(council.url, { ...authorized, origin })).rejects.toThrow('403')
  })

  test('holds a limited number of sockets', async () => {
    const held = await Promise.all(Array.from({ length: 5 }, () => connectChat(council.url)))
    const tooMany = await connectChat(council.url)
    expect(await tooMany.closed).toEqual({ code: 4029 })
    for (const client of held) {
      client.close()
      await client.closed
    }
  })

  test('has a limited number of answers under way', async () => {
    const client = await connectChat(council.url)
    const answers = [model.nextAnswer({ gated: true }), model.nextAnswer({ gated: true })]
    for (const _ of answers) client.send({ type: 'prompt', text: 'Wait for me' })
    await client.frame('accepted', 2)
    client.send({ type: 'prompt', text: 'One too many' })
    expect(await client.frame('error')).toMatchObject({ code: 'too_many_in_flight' })
    for (const answer of answers) {
      await answer.received
      await answer.emit('Here.')
      await answer.finish()
    }
    await client.frame('completed', 2)
    client.close()
  })
})

describe('a frame', () => {
  test.each([
    ['that is not JSON', 'hello', 'malformed_frame'],
    ['that is half of one', '{"type":"prompt","text":', 'malformed_frame'],
    ['of no type', '{}', 'unknown_frame'],
    ['of an unknown type', '{"type":"shout"}', 'unknown_frame'],
    ['without text', '{"type":"prompt"}', 'malformed_frame'],
    ['with nothing but blanks', '{"type":"prompt","text":"   "}', 'malformed_command'],
    ['with a field too many', '{"type":"prompt","text":"x","admin":true}', 'malformed_frame'],
    ['with an id that is not a UUIDv7', '{"type":"prompt","text":"x","requestId":"1"}', 'malformed_frame'],
    ['with too long a text', JSON.stringify({ type: 'prompt', text: 'x'.repeat(16_001) }), 'malformed_frame'],
    ['that cancels nothing', JSON.stringify({ type: 'cancel', requestId: newId() }), 'prompt_unknown'],
    ['that approves nothing', '{"type":"approve","approvalId":"x"}', 'approval_unknown'],
  ])('%s is answered with an error that has a code', async (_, text, code) => {
    const client = await connectChat(council.url)
    client.sendRaw(text)
    expect(await client.frame('error')).toMatchObject({ code })
    client.close()
    await client.closed
  })

  test('of bytes is answered with an error', async () => {
    const client = await connectChat(council.url)
    client.sendRaw(Buffer.from([0, 255, 1]))
    expect(await client.frame('error')).toMatchObject({ code: 'malformed_frame' })
    client.close()
    await client.closed
  })

  test('over 64 KiB closes the socket with 1009', async () => {
    const client = await connectChat(council.url)
    client.sendRaw(JSON.stringify({ type: 'prompt', text: 'x'.repeat(maxFrameBytes) }))
    expect(await client.closed).toEqual({ code: 1009 })
  })

  test('of any garbage never takes the socket down', async () => {
    const client = await connectChat(council.url)
    let pongs = 0
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (garbage) => {
        client.sendRaw(garbage)
        client.send({ type: 'ping' })
        await client.frame('pong', ++pongs)
      }),
      { numRuns: 200 },
    )
    client.close()
    await client.closed
  })
})

describe('a stop', () => {
  test('tells every client to come back and resume', async () => {
    const stopping = await serveCouncil({
      COUNCIL_ID: freshCouncilId(),
      REDIS_URL: redisUrl,
      REDIS_EPHEMERAL_URL: redisUrl,
      DATABASE_URL: await createDatabase(),
      VLLM_URL: model.url,
    })
    const client = await connectChat(stopping.url)
    const stopped = stopping.stop()
    await client.frame('restart')
    expect(await client.closed).toEqual({ code: 1012 })
    expect(await stopped).toBe(0)
  })
})
