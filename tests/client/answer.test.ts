import { describe, expect, test } from 'vitest'
import { streamAnswer } from '../../src/client/answer.ts'
import { councilClient, type Answer, type StreamOptions } from '../../src/client/client.ts'
import { ConnectionLost } from '../../src/client/connection-lost.ts'
import type { OpenSocket } from '../../src/client/socket.ts'
import { frameId, prompted, standInToken, startChatStandIn, type ChatStandIn } from '../support/chat-stand-in.ts'
import { newId } from '../support/council.ts'
import { freePort } from '../support/free-port.ts'
import { sockets } from '../support/sockets.ts'

const clientOf = (server: ChatStandIn, openSocket: OpenSocket, token = standInToken) =>
  councilClient({ url: server.url, token, openSocket })

/** All frames of an answer, or the error that ends it. */
async function readAll(answer: Answer): Promise<{ types: string[]; text: string; code: string | null }> {
  const types: string[] = []
  let text = ''
  try {
    for await (const frame of answer) {
      types.push(frame.type)
      if (frame.type === 'token') text += frame.text
    }
  } catch (error) {
    return { types, text, code: (error as { code: string }).code }
  }
  return { types, text, code: null }
}

describe.each(sockets)('an answer over %s', (_, openSocket) => {
  /** Asks a stand-in server, and waits until that has the prompt. */
  async function asked(options: StreamOptions = {}) {
    const server = await startChatStandIn()
    const answer = clientOf(server, openSocket).ask({ text: 'Why is the sky blue?', path: 'full' }, options)
    const reading = readAll(answer)
    return { server, askedAs: answer.requestId, reading, ...(await prompted(server)) }
  }

  test('has every frame once over two lost connections, and passes over frames that it does not know', async () => {
    const { server, askedAs, reading, visit, requestId, path, accepted, routed, token, completed } = await asked()
    expect([requestId, path]).toEqual([askedAs, 'full'])
    const newer = { type: 'a_frame_of_a_newer_server', requestId, id: frameId(4) }
    for (const frame of [accepted, routed, token('Because '), newer]) visit.say(frame)
    visit.end()
    const second = await server.visits()
    expect(await second.next()).toEqual({ type: 'resume', requestId, lastEventId: frameId(4) })
    second.say(token('of ', 5))
    second.say({ type: 'restart' })
    const third = await server.visits()
    expect(await third.next()).toEqual({ type: 'resume', requestId, lastEventId: frameId(5) })
    for (const frame of [token('Rayleigh.', 6), completed('Because of Rayleigh.')]) third.say(frame)
    expect(await reading).toEqual({
      types: ['accepted', 'routed', 'token', 'token', 'restart', 'token', 'completed'],
      text: 'Because of Rayleigh.',
      code: null,
    })
  })

  test('asks again under the same id while no frame of it has come', async () => {
    const losses: string[] = []
    const { server, reading, visit, requestId } = await asked({ onLost: ({ why }) => losses.push(why) })
    visit.say({ type: 'error', requestId, code: 'overloaded', message: 'later' })
    const second = await prompted(server)
    second.visit.end()
    const third = await prompted(server)
    expect([second.requestId, third.requestId]).toEqual([requestId, requestId])
    third.answer('Rayleigh.')
    expect(await reading).toMatchObject({ text: 'Rayleigh.', code: null })
    expect(losses).toEqual(['overloaded', 'closed with 1006'])
  })

  test.each(['internal', 'log_unavailable', 'log_stopped'])(
    'resumes when the server stops streaming with the error %s',
    async (code) => {
      const { server, reading, visit, requestId, token, completed } = await asked()
      visit.say(token('Because'))
      visit.say({ type: 'error', requestId, code, message: 'the server failed' })
      const second = await server.visits()
      expect(await second.next()).toEqual({ type: 'resume', requestId, lastEventId: frameId(3) })
      second.say(completed('Because'))
      expect(await reading).toMatchObject({ types: ['token', 'completed'], code: null })
    },
  )

  test('ends with the code of the server if that does not know the point to resume from', async () => {
    const { server, reading, visit, requestId, token } = await asked()
    visit.say(token('Because'))
    visit.end()
    const second = await server.visits()
    await second.next()
    second.say({ type: 'error', requestId, code: 'bad_resume_point', message: 'no such point' })
    expect(await reading).toMatchObject({ text: 'Because', code: 'bad_resume_point' })
  })

  test.each<[string, string | Buffer | Record<string, unknown>]>([
    ['that is not JSON', '{"type":"tok'],
    ['that is a list', '[]'],
    ['of a known type and another shape', { type: 'token', id: frameId(3), text: 7 }],
    ['that is binary', Buffer.from('{"type":"pong"}')],
    ['that is larger than any answer', `{"type":"token","text":"${'x'.repeat(17 * 1024 * 1024)}"}`],
    ['that is nested without end', `{"type":"token","text":${'['.repeat(1_000_000)}`],
  ])('ends at a frame %s', async (_frame, hostile) => {
    const { reading, visit } = await asked()
    visit.say(hostile)
    expect(await reading).toEqual({ types: [], text: '', code: 'malformed_frame' })
  })

  test.each([
    [4001, 'unauthorized'],
    [4003, 'unauthorized'],
    [1008, 'connection_lost'],
    [4029, 'connection_lost'],
  ])('does not reconnect after the close code %d', async (close, code) => {
    const { reading, visit } = await asked()
    visit.end(close)
    expect(await reading).toMatchObject({ code })
  })

  test.each([
    ['a token that the server does not know', [], 'unauthorized'],
    ['a server that is no council', [404], 'no_council'],
  ])('is refused by %s', async (_who, refuse, code) => {
    // The stand-in cannot tell a plain request about its chat what it tells an upgrade.
    const server = await startChatStandIn({ refuse, plain: refuse[0] ?? 401 })
    expect(await readAll(clientOf(server, openSocket, 'wrong').ask({ text: 'Why?' }))).toMatchObject({ code })
  })

  test('is sent again when the first handshakes fail with 503', async () => {
    const server = await startChatStandIn({ refuse: [503, 503] })
    const losses: number[] = []
    const onLost = ({ waitMs }: { waitMs: number }) => void losses.push(waitMs)
    const reading = readAll(clientOf(server, openSocket).ask({ text: 'Why?' }, { onLost }))
    ;(await prompted(server)).answer('So.')
    expect(await reading).toMatchObject({ text: 'So.', code: null })
    expect(losses).toEqual([250, 500])
  })

  test('reports at once that nothing listens', async () => {
    const client = councilClient({ url: `http://127.0.0.1:${await freePort()}`, token: standInToken, openSocket })
    expect(await readAll(client.ask({ text: 'Why?' }))).toMatchObject({ code: 'no_council' })
  })

  test('is cancelled when its reader leaves', async () => {
    const server = await startChatStandIn()
    const answer = clientOf(server, openSocket).ask({ text: 'Why?' })
    const leaving = (async () => {
      for await (const frame of answer) if (frame.type === 'token') break
    })()
    const { visit, requestId, token } = await prompted(server)
    visit.say(token('Because'))
    expect(await visit.next()).toEqual({ type: 'cancel', requestId })
    await leaving
  })

  test('is cancelled when the signal aborts, and goes on until that is recorded', async () => {
    const stop = new AbortController()
    const { reading, visit, requestId, token, cancelled } = await asked({ signal: stop.signal })
    visit.say(token('Because'))
    stop.abort()
    expect(await visit.next()).toEqual({ type: 'cancel', requestId })
    visit.say(cancelled)
    expect(await reading).toEqual({ types: ['token', 'cancelled'], text: 'Because', code: null })
  })

  test('that was resumed goes on without a reader that leaves', async () => {
    const server = await startChatStandIn()
    const requestId = newId()
    const client = clientOf(server, openSocket)
    const leaving = (async () => {
      for await (const { type } of client.resume(requestId, { lastEventId: frameId(2) })) if (type === 'token') break
    })()
    const visit = await server.visits()
    expect(await visit.next()).toEqual({ type: 'resume', requestId, lastEventId: frameId(2) })
    visit.say({ type: 'token', requestId, id: frameId(3), text: 'Because' })
    await leaving
    expect(await visit.next()).toBeNull()
  })
})

describe('a lost connection', () => {
  test('is tried eight times, with longer and longer waits', async () => {
    const waits: number[] = []
    const frames = streamAnswer(
      { type: 'prompt', requestId: newId(), text: 'Why?' },
      {
        connect: () => Promise.reject(new ConnectionLost('HTTP 503')),
        pause: async (ms) => void waits.push(ms),
        onLost: () => undefined,
        signal: new AbortController().signal,
      },
    )
    await expect(frames.next()).rejects.toMatchObject({
      code: 'connection_lost',
      message: 'the connection did not come back after 8 tries (HTTP 503)',
    })
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000, 5000])
  })
})

describe('following everything', () => {
  test('says hello on every connection, and passes on frames of any type', async () => {
    const server = await startChatStandIn()
    const stop = new AbortController()
    const client = councilClient({ url: server.url, token: standInToken })
    const frames = client.follow(() => [{ type: 'ping' }], { signal: stop.signal })
    const change = { type: 'a_change', topic: 'mode', position: '1-0' }
    for (const expected of [change, { ...change, position: '2-0' }]) {
      const next = frames.next()
      const visit = await server.visits()
      expect(await visit.next()).toEqual({ type: 'ping' })
      visit.say(expected)
      expect((await next).value).toEqual({ raw: expected, id: undefined, frame: undefined })
      visit.end()
    }
    stop.abort()
    await expect(frames.next()).rejects.toMatchObject({ code: 'interrupted' })
  })
})
