import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { ServerFrame } from '../../src/api/chat/frames.ts'
import type { TokenScope } from '../../src/events/token.ts'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { connectChat, type ChatClient } from '../support/chat-client.ts'
import { newId } from '../support/council.ts'
import { serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { startPostgres, startRedis } from '../support/servers.ts'
import { councilSettings } from '../support/shared-servers.ts'
import { serveForTests } from '../support/test-scene.ts'
import { bearer, issueToken } from '../support/tokens.ts'
import { startVllmStandIn } from '../support/vllm-stand-in/server.ts'

type Change = Extract<ServerFrame, { type: 'change' }>

/** The read models are projected by another process than the one that serves the sockets. */
const scene = serveForTests({ roles: 'api,worker' })
let projector: ServedCouncil
beforeAll(async () => {
  projector = await serveCouncil(scene.settings, 'projector')
})
afterAll(() => projector.stop())

const changesOf = ({ frames }: ChatClient, topic: string): Change[] =>
  frames.filter((frame): frame is Change => frame.type === 'change' && frame.topic === topic)
const newest = (client: ChatClient, topic: string) => changesOf(client, topic).at(-1)?.value
const accounts = 'treasury/accounts'
const accountsOf = (value: Record<string, unknown> | undefined): string[] =>
  ((value?.['accounts'] ?? []) as { account: string }[]).map(({ account }) => account)

/** Opens an account as another client does. */
async function openAccount(council: { url: string } = scene.council): Promise<{ account: string; position: unknown }> {
  const account = `agent:a${newId().slice(-8)}`
  const { body } = await executeCommand(council, 'OpenAccount', { account })
  return { account, position: body['position'] }
}

describe('a topic', () => {
  test('shows what another client changes, as GET answers it', async () => {
    const client = await scene.connect()
    client.send({ type: 'subscribe', topics: [accounts] })
    const first = await client.frame('change')
    expect(first.value).toEqual((await apiGet(scene.council, `/v1/${accounts}`)).body)
    const { account, position } = await openAccount()
    await expect.poll(() => accountsOf(newest(client, accounts))).toContain(account)
    const { body } = await apiGet(scene.council, `/v1/${accounts}?after=${String(position)}`)
    expect(newest(client, accounts)).toEqual(body)
    client.send({ type: 'unsubscribe', topics: [accounts] })
    client.send({ type: 'ping' })
    await client.frame('pong')
    const had = changesOf(client, accounts).length
    await openAccount()
    client.send({ type: 'subscribe', topics: ['mode'] })
    await client.frame('change', had + 1)
    expect(changesOf(client, accounts)).toHaveLength(had)
  })

  test('goes on after the position that a client has seen, without a repeat', async () => {
    const client = await scene.connect()
    client.send({ type: 'subscribe', topics: [accounts] })
    const { position: after } = await client.frame('change')
    client.close()
    const again = await scene.connect()
    again.send({ type: 'subscribe', topics: [accounts], after })
    const { account } = await openAccount()
    const { value } = await again.frame('change')
    expect(accountsOf(value)).toContain(account)
  })

  test('shows each person only what is theirs', async () => {
    const scopes: TokenScope[] = ['chat:send', 'chat:read']
    const [ada, bob] = await Promise.all(
      ['user:ada', 'user:bob'].map(async (subject) =>
        connectChat(scene.council.url, bearer((await issueToken(scene.council, { subject, scopes })).token)),
      ),
    )
    if (!ada || !bob) throw new Error('a client is missing')
    const topics = ['chats', 'chats?asker=me', 'approvals?status=waiting']
    for (const client of [ada, bob]) {
      client.send({ type: 'subscribe', topics })
      await client.frame('change', 3)
    }
    ada.ask({ text: 'Is this private?', path: 'fast' })
    await ada.frame('completed')
    await expect
      .poll(() => JSON.stringify(newest(ada, 'chats?asker=me')), { timeout: 10_000 })
      .toContain('"status":"completed"')
    const action = {
      action: 'TransferFunds',
      exactArguments: { transferId: newId(), from: 'external', to: 'reserve', amountMicros: 5, reason: 'x' },
    }
    const token = (await issueToken(scene.council, { subject: 'user:ada', scopes })).token
    await executeCommand({ url: scene.council.url, token }, 'RequestApproval', action)
    await expect.poll(() => JSON.stringify(newest(ada, 'approvals?status=waiting'))).toContain('TransferFunds')
    bob.send({ type: 'ping' })
    await bob.frame('pong')
    expect(JSON.stringify(bob.frames)).not.toMatch(/private|TransferFunds/)
  })

  test('ends with the token: the socket closes, and shows nothing of what comes after', async () => {
    const { token, tokenId } = await issueToken(scene.council, { subject: 'user:cleo', scopes: ['treasury:read'] })
    const client = await connectChat(scene.council.url, bearer(token))
    client.send({ type: 'subscribe', topics: [accounts, 'mode'] })
    await client.frame('change')
    expect(await client.frame('error')).toMatchObject({ code: 'scope_missing', topic: 'mode', scope: 'chat:read' })
    await executeCommand(scene.council, 'RevokeToken', { tokenId, reason: 'a test' })
    expect((await client.closed).code).toBe(4001)
    const { account } = await openAccount()
    expect(JSON.stringify(client.frames)).not.toContain(account)
  })
})

describe('an outage', { timeout: 90_000 }, () => {
  async function servedOn(more: Record<string, string>): Promise<{ council: ServedCouncil; client: ChatClient }> {
    const model = await startVllmStandIn()
    const council = await serveCouncil(await councilSettings({ VLLM_URL: model.url, ...more }))
    onTestFinished(async () => {
      await council.kill()
      await model.close()
    })
    const client = await connectChat(council.url)
    client.send({ type: 'subscribe', topics: [accounts] })
    await client.frame('change')
    return { council, client }
  }

  test('of Postgres is told once, and the newest value comes when it is back', async () => {
    const postgres = await startPostgres()
    onTestFinished(postgres.stop)
    const { council, client } = await servedOn({ DATABASE_URL: postgres.url })
    await postgres.kill()
    const { account } = await openAccount(council)
    expect(await client.frame('error')).toMatchObject({
      topic: accounts,
      code: 'read_model_unavailable',
      message: expect.stringMatching(/^read models: Postgres does not answer/),
    })
    await postgres.start()
    await expect.poll(() => accountsOf(newest(client, accounts)), { timeout: 60_000 }).toContain(account)
    expect(client.frames.filter(({ type }) => type === 'error')).toHaveLength(1)
  })

  test('of Redis ends no subscription: what changes after it arrives on the same socket', async () => {
    const redis = await startRedis()
    onTestFinished(redis.stop)
    const { council, client } = await servedOn({ REDIS_URL: redis.url })
    await redis.kill()
    await redis.start()
    const opened: string[] = []
    await expect
      .poll(
        async () => {
          opened.push((await openAccount(council)).account)
          return accountsOf(newest(client, accounts)).some((account) => opened.includes(account))
        },
        { timeout: 60_000, interval: 500 },
      )
      .toBe(true)
  })
})
