import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maxFrameBytes } from '../../src/api/chat/frames.ts'
import { apiGet, authorized } from '../support/api-client.ts'
import { connectChat } from '../support/chat-client.ts'
import { newId } from '../support/council.ts'
import { adminToken, serveCouncil } from '../support/served-council.ts'
import { councilSettings } from '../support/shared-servers.ts'
import { serveForTests } from '../support/test-scene.ts'

const scene = serveForTests({
  settings: {
    ALLOWED_ORIGINS: 'https://council.example.org',
    MAX_SOCKETS_PER_SUBJECT: '5',
    MAX_COMMANDS_IN_FLIGHT: '2',
  },
})
const get = (path: string, headers: Record<string, string> = {}) => apiGet(scene.council, path, headers)
const connect = (headers: Record<string, string>) => connectChat(scene.council.url, headers)

describe('a client without the token', () => {
  test.each([
    ['no token', {}],
    ['a wrong token', { authorization: 'Bearer not-the-token-but-just-as-long-as-it' }],
    ['the token in another scheme', { authorization: `Basic ${adminToken}` }],
    ['a header full of quotes', { authorization: `Bearer ' OR 1=1 --"` }],
    ['a very long header', { authorization: `Bearer ${'x'.repeat(8000)}` }],
  ])('is refused by the chat before the upgrade: %s', async (_, headers) => {
    await expect(connect(headers)).rejects.toThrow('401')
  })

  test('sees only the overall status of the health', async () => {
    const { status, headers, body } = await get('/health')
    expect({ status, type: headers['content-type'], body }).toEqual({
      status: 200,
      type: 'application/health+json; charset=utf-8',
      body: { status: 'pass' },
    })
  })

  test('gets 401 for a path that does not exist', async () => {
    expect(await get('/v1/anything')).toMatchObject({ status: 401, body: { code: 'unauthorized' } })
  })

  test('may call the probes', async () => {
    expect(await get('/livez')).toMatchObject({ status: 200 })
    expect(await get('/readyz')).toMatchObject({ status: 200 })
  })
})

describe('a client with the token', () => {
  test('sees the kind and the status of every part', async () => {
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

  test('gets a problem with a code for a path that does not exist', async () => {
    expect(await get('/v1/nothing', authorized)).toMatchObject({
      status: 404,
      headers: { 'content-type': 'application/problem+json; charset=utf-8' },
      body: { code: 'not_found', status: 404 },
    })
  })

  test('connects only from a listed origin, compared exactly', async () => {
    await connect({ ...authorized, origin: 'https://council.example.org' })
    for (const origin of [
      'https://evil.example',
      'https://council.example.org.evil.example',
      'http://council.example.org',
      'null',
    ])
      await expect(connect({ ...authorized, origin })).rejects.toThrow('403')
  })

  test('holds a limited number of sockets', async () => {
    await Promise.all(Array.from({ length: 5 }, () => scene.connect()))
    expect(await (await scene.connect()).closed).toEqual({ code: 4029 })
  })

  test('has a limited number of answers in progress', async () => {
    const client = await scene.connect()
    const answers = [scene.model.nextAnswer({ gated: true }), scene.model.nextAnswer({ gated: true })]
    for (const _ of answers) client.ask()
    await client.frame('accepted', 2)
    client.ask({ text: 'One too many' })
    expect(await client.frame('error')).toMatchObject({ code: 'too_many_in_flight' })
    for (const answer of answers) {
      await answer.received
      await answer.emit('Here.')
      await answer.finish()
    }
    await client.frame('completed', 2)
  })
})

describe('a frame', () => {
  test.each([
    ['that is not JSON', 'hello', 'malformed_frame'],
    ['that is half of a JSON text', '{"type":"prompt","text":', 'malformed_frame'],
    ['without a type', '{}', 'unknown_frame'],
    ['of an unknown type', '{"type":"shout"}', 'unknown_frame'],
    ['without text', '{"type":"prompt"}', 'malformed_frame'],
    ['with only spaces as its text', '{"type":"prompt","text":"   "}', 'malformed_command'],
    ['with a surplus field', '{"type":"prompt","text":"x","admin":true}', 'malformed_frame'],
    ['with an id that is not a UUIDv7', '{"type":"prompt","text":"x","requestId":"1"}', 'malformed_frame'],
    ['with a text that is too long', JSON.stringify({ type: 'prompt', text: 'x'.repeat(16_001) }), 'malformed_frame'],
    ['that cancels an unknown prompt', JSON.stringify({ type: 'cancel', requestId: newId() }), 'prompt_unknown'],
    ['that approves an unknown request', '{"type":"approve","approvalId":"x"}', 'approval_unknown'],
  ])('%s is answered with an error that has a code', async (_, text, code) => {
    const client = await scene.connect()
    client.sendRaw(text)
    expect(await client.frame('error')).toMatchObject({ code })
  })

  test('of bytes is answered with an error', async () => {
    const client = await scene.connect()
    client.sendRaw(Buffer.from([0, 255, 1]))
    expect(await client.frame('error')).toMatchObject({ code: 'malformed_frame' })
  })

  test('over 64 KiB closes the socket with 1009', async () => {
    const client = await scene.connect()
    client.sendRaw(JSON.stringify({ type: 'prompt', text: 'x'.repeat(maxFrameBytes) }))
    expect(await client.closed).toEqual({ code: 1009 })
  })

  test('with any content leaves the socket open', async () => {
    const client = await scene.connect()
    let pongs = 0
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (garbage) => {
        client.sendRaw(garbage)
        client.send({ type: 'ping' })
        await client.frame('pong', ++pongs)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a stop', () => {
  test('tells every client to reconnect and resume', async () => {
    const stopping = await serveCouncil(await councilSettings({ VLLM_URL: scene.model.url }))
    const client = await connectChat(stopping.url)
    const stopped = stopping.stop()
    await client.frame('restart')
    expect(await client.closed).toEqual({ code: 1012 })
    expect(await stopped).toBe(0)
  })
})
