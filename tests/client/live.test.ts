import { request } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { councilClient, type Answer, type ClientSettings } from '../../src/client/client.ts'
import type { OpenSocket } from '../../src/client/socket.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { executeCommand } from '../support/api-client.ts'
import { newId } from '../support/council.ts'
import { adminToken, serveCouncil } from '../support/served-council.ts'
import { sockets } from '../support/sockets.ts'
import { issueToken } from '../support/tokens.ts'
import { serveForTests } from '../support/test-scene.ts'

const scene = serveForTests()

/** A client that reaches the council through a proxy, which injects the faults of a network. */
async function behindProxy(settings: Partial<ClientSettings> = {}) {
  const proxy = await startFaultProxy(Number(new URL(scene.council.url).port))
  onTestFinished(proxy.close)
  const client = councilClient({ url: `http://127.0.0.1:${proxy.port}`, token: adminToken, ...settings })
  return { proxy, client }
}

/** Reads an answer piece by piece. */
function reader(answer: Answer) {
  const frames = answer[Symbol.asyncIterator]()
  let text = ''
  let types: string[] = []
  return {
    text: () => text,
    types: () => types,
    /** Reads on until a frame of this type. */
    async until(type: string) {
      for (;;) {
        const { value, done } = (await frames.next()) as IteratorResult<{ type: string; text?: string }, undefined>
        if (done) throw new Error(`the answer ended before ${type}: ${types.join(', ')}`)
        types = [...types, value.type]
        if (value.type === 'token') text += value.text ?? ''
        if (value.type === type) return value
      }
    },
  }
}

describe.each(sockets)('a client with %s', (_, openSocket) => {
  test('gets every token once, although the network is cut twice in the middle of the answer', async () => {
    const { proxy, client } = await behindProxy({ openSocket })
    const answer = scene.model.nextAnswer({ gated: true })
    const asked = reader(client.ask({ text: 'What is the capital of France?' }))
    const ending = asked.until('completed')
    for (const token of ['The', ' capital', ' is', ' Paris', '.']) {
      await answer.emit(token)
      if (token === ' capital' || token === ' Paris') proxy.reset()
    }
    await answer.finish()
    expect(await ending).toMatchObject({ text: 'The capital is Paris.' })
    expect(asked.text()).toBe('The capital is Paris.')
    expect(asked.types().filter((type) => type === 'accepted')).toHaveLength(1)
  })

  test('asks once, although the connection breaks before the server has answered', async () => {
    const { proxy, client } = await behindProxy({ openSocket })
    scene.model.nextAnswer({ tokens: ['Paris.'] })
    const requestId = newId()
    const answer = client.ask({ text: 'What is the capital of France?', requestId })
    // Frames of a client are masked, so the proxy cannot find the prompt: it resets the connection of each handshake.
    const cut = proxy.cutBeforeReply('GET /ws/chat')
    const ending = answer.ending()
    await cut
    expect(await ending).toMatchObject({ type: 'completed', text: 'Paris.' })
    expect(await scene.eventsOf(requestId, /PromptSubmitted/)).toHaveLength(1)
  })

  test('waits for a slow network', async () => {
    const { proxy, client } = await behindProxy({ openSocket })
    proxy.latency(300)
    scene.model.nextAnswer({ tokens: ['Paris', '.'] })
    expect(await client.ask({ text: 'What is the capital of France?' }).ending()).toMatchObject({ text: 'Paris.' })
  })

  test('is told that its token is unknown', async () => {
    const { client } = await behindProxy({ openSocket, token: 'a-token-that-no-council-has-issued' })
    await expect(client.ask({ text: 'Why?' }).ending()).rejects.toMatchObject({ code: 'unauthorized' })
    await expect(client.read('/v1/mode')).rejects.toMatchObject({ code: 'unauthorized', status: 401 })
    await expect(client.execute('FreezeTreasury', { reason: 'no' })).rejects.toMatchObject({ code: 'unauthorized' })
  })

  test('is told that its token was revoked, and the answer goes on', async () => {
    const { token, tokenId } = await issueToken(scene.council, { subject: 'user:ada', scopes: ['chat:send'] })
    const { client } = await behindProxy({ openSocket, token })
    const answer = scene.model.nextAnswer({ gated: true })
    const asked = client.ask({ text: 'What is the capital of France?' })
    const reading = reader(asked)
    const started = reading.until('token')
    await answer.emit('Paris')
    await started
    const ending = reading.until('completed')
    await executeCommand(scene.council, 'RevokeToken', { tokenId, reason: 'a test' })
    await expect(ending).rejects.toMatchObject({ code: 'unauthorized' })
    await answer.finish()
    await expect.poll(() => scene.eventsOf(asked.requestId, /^AnswerCompleted$/)).toHaveLength(1)
  })

  test('cancels a prompt from another connection, and learns when there is nothing to cancel', async () => {
    const { client } = await behindProxy({ openSocket })
    const answer = scene.model.nextAnswer({ gated: true })
    const asked = client.ask({ text: 'What is the capital of France?' })
    const reading = reader(asked)
    const started = reading.until('token')
    await answer.emit('The')
    await started
    expect(await client.cancel(asked.requestId)).toEqual({ cancelled: true })
    await reading.until('cancelled')
    expect(await client.cancel(asked.requestId)).toEqual({ cancelled: false, code: 'prompt_finished' })
    expect(await client.cancel(newId())).toEqual({ cancelled: false, code: 'prompt_unknown' })
  })

  test('reads an answer again from any of its frames', async () => {
    const { client } = await behindProxy({ openSocket })
    scene.model.nextAnswer({ tokens: ['The', ' capital', ' is', ' Paris.'] })
    const asked = client.ask({ text: 'What is the capital of France?' })
    const ids: string[] = []
    for await (const { id } of asked.received()) if (id !== undefined) ids.push(id)
    for (const [index, lastEventId] of ids.slice(0, -1).entries()) {
      const rest: (string | undefined)[] = []
      for await (const { id } of client.resume(asked.requestId, { lastEventId }).received()) rest.push(id)
      expect(rest.at(-1)).toBe(ids.at(-1))
      expect(rest.length).toBeLessThanOrEqual(ids.length - index - 1)
    }
  })
})

test('a page that is signed in chats without a token: the browser adds its cookie', async () => {
  const { url } = scene.council
  const answer = await request(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: url, 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ token: adminToken }).toString(),
  })
  const [cookie = ''] = String(answer.headers['set-cookie']).split(';')
  const asABrowser: OpenSocket = (address, protocol, headers) => {
    expect(headers).toEqual({})
    return new WebSocket(address, protocol, { headers: { cookie, origin: url } })
  }
  scene.model.nextAnswer({ tokens: ['Paris.'] })
  const client = councilClient({ url, openSocket: asABrowser })
  expect(await client.ask({ text: 'What is the capital of France?' }).ending()).toMatchObject({ text: 'Paris.' })
})

test('an answer goes on over a restart of the server', async () => {
  const { proxy, client } = await behindProxy()
  const first = await serveCouncil(scene.settings, 'api')
  onTestFinished(first.kill)
  proxy.target(Number(new URL(first.url).port))
  const answer = scene.model.nextAnswer({ gated: true })
  const asked = reader(client.ask({ text: 'What is the capital of France?' }))
  const ending = asked.until('completed')
  await answer.emit('The capital')
  await expect.poll(() => asked.text()).toBe('The capital')
  proxy.target(Number(new URL(scene.council.url).port))
  expect(await first.stop()).toBe(0)
  await answer.emit(' is Paris.')
  await answer.finish()
  expect(await ending).toMatchObject({ text: 'The capital is Paris.' })
  expect(asked.text()).toBe('The capital is Paris.')
  expect(asked.types()).toContain('restart')
})

describe('a command', () => {
  const account = () => `agent:scout-${newId().slice(-8)}`

  test('is done once, although the connection breaks before its answer', async () => {
    const { proxy, client } = await behindProxy()
    const fields = { account: account() }
    const cut = proxy.cutBeforeReply('POST /v1/commands/OpenAccount')
    const outcome = client.execute('OpenAccount', fields)
    await cut
    expect(await outcome).toMatchObject({ result: 'duplicate' })
    expect(await client.execute('OpenAccount', fields)).toMatchObject({ result: 'refused', code: 'account_exists' })
  })

  test('is rejected with outcome_unknown when no answer comes, and can be given again under its key', async () => {
    const { proxy, client } = await behindProxy()
    const cut = proxy.cutBeforeReply('POST /v1/commands/OpenAccount')
    const fields = { account: account() }
    const outcome = await client.execute('OpenAccount', fields, { retryForMs: 0 })
    await cut
    expect(outcome).toMatchObject({ result: 'rejected', code: 'outcome_unknown' })
    expect(await client.execute('OpenAccount', fields, { key: outcome.key })).toMatchObject({ key: outcome.key })
    expect((await executeCommand(scene.council, 'OpenAccount', fields)).body).toMatchObject({ code: 'account_exists' })
  })

  test('that is malformed or has no name is a rejection', async () => {
    const { client } = await behindProxy()
    expect(await client.execute('OpenAccount', { account: 'x' })).toMatchObject({ code: 'malformed_command' })
    expect(await client.execute('No such/command', {})).toMatchObject({ result: 'rejected', code: 'unknown_command' })
  })

  test('is read back at its position, page after page', async () => {
    const { client } = await behindProxy()
    const opened: string[] = []
    let after: string | null = null
    for (let i = 0; i < 3; i++) {
      const fields = { account: account() }
      opened.push(fields.account)
      const outcome = await client.execute('OpenAccount', fields)
      if (outcome.result === 'appended') after = outcome.position
    }
    const read: unknown[] = []
    const named = (row: unknown) => (row as { account: string }).account
    for await (const row of client.rows('/v1/treasury/accounts', 'accounts', {
      after,
      query: { limit: 1 },
      parse: named,
    }))
      read.push(row)
    expect(read).toEqual(expect.arrayContaining(opened))
    expect(new Set(read).size).toBe(read.length)
    const { position } = await client.read('/v1/mode', { after })
    expect(position).toMatch(/^\d+-\d+$/)
  })

  test('fails to read with the code of the problem', async () => {
    const { client } = await behindProxy()
    const none = client.read('/v1/treasury/accounts/agent:none')
    await expect(none).rejects.toMatchObject({ code: 'not_found', status: 404 })
    const future = client.read('/v1/mode', { after: '999999999999999-0', retryForMs: 0 })
    await expect(future).rejects.toMatchObject({ code: 'malformed_request', status: 400 })
  })
})
