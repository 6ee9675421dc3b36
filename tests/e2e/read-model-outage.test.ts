import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startEmbeddedPostgres } from '../../src/platform/postgres/embedded-postgres.ts'
import { connectChat } from '../support/chat-client.ts'
import { newId } from '../support/council.ts'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.ts'
import type { PostgresServer } from '../support/postgres-server.ts'
import { adminToken, serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { startPostgres } from '../support/servers.ts'
import { freshCouncilId, redisUrl } from '../support/shared-servers.ts'
import { startVllmStandIn, type StandIn } from '../support/vllm-stand-in/server.ts'

/** A query is answered within this, however Postgres fails. */
const answeredWithinMs = 5_000
const timeout = 90_000

let model: StandIn
beforeAll(async () => {
  model = await startVllmStandIn()
})
afterAll(() => model.close())

const settings = () => ({
  COUNCIL_ID: freshCouncilId(),
  REDIS_URL: redisUrl,
  REDIS_EPHEMERAL_URL: redisUrl,
  VLLM_URL: model.url,
})

async function get({ url }: ServedCouncil, path: string) {
  const startedAt = performance.now()
  const { statusCode, headers, body } = await request(`${url}${path}`, {
    headers: { authorization: `Bearer ${adminToken}` },
  })
  const answer = (await body.json()) as Record<string, unknown>
  return { status: statusCode, retryAfter: headers['retry-after'], body: answer, ms: performance.now() - startedAt }
}

const openAccount = async ({ url }: ServedCouncil) =>
  (
    await request(`${url}/v1/commands/OpenAccount`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${adminToken}`,
        'content-type': 'application/json',
        'idempotency-key': newId(),
      },
      body: JSON.stringify({ account: `agent:a${newId().slice(-8)}` }),
    })
  ).statusCode

const healthOfReadModels = async (council: ServedCouncil) =>
  ((await get(council, '/health')).body as { checks: Record<string, { status: string; output: string }[]> }).checks[
    'read models'
  ]?.[0]

/** Queries say so in time; commands, prompts and readiness do not depend on it; and every report comes to the same verdict. */
async function expectOnlyReadModelsAreAway(council: ServedCouncil): Promise<void> {
  const answer = model.nextAnswer({ gated: true })
  const client = await connectChat(council.url)
  client.send({ type: 'prompt', text: 'Wait for me' })
  await answer.received

  const queries = await Promise.all(Array.from({ length: 20 }, () => get(council, '/v1/treasury/accounts')))
  for (const query of queries) {
    expect(query).toMatchObject({
      status: 503,
      retryAfter: '1',
      body: {
        code: 'read_model_unavailable',
        detail: expect.stringMatching(/^read models: Postgres does not answer: ./),
      },
    })
    expect(query.ms).toBeLessThan(answeredWithinMs)
  }
  const askedAt = performance.now()
  const unknown = newId()
  client.send({ type: 'resume', requestId: unknown })
  expect(await client.frame('error')).toMatchObject({
    requestId: unknown,
    code: 'read_model_unavailable',
    message: expect.stringMatching(/^read models: Postgres does not answer: ./),
  })
  expect(performance.now() - askedAt).toBeLessThan(answeredWithinMs)

  await expect
    .poll(() => healthOfReadModels(council), { timeout: 20_000 })
    .toMatchObject({ status: 'warn', output: expect.stringMatching(/^Postgres does not answer: ./) })
  expect(
    Object.keys((await get(council, '/health')).body['checks'] as object).filter((name) => /^check/.test(name)),
  ).toEqual([])
  await council.line(/"part":"read models","status":"warn","output":"Postgres does not answer: /)
  expect(await get(council, '/readyz')).toMatchObject({ status: 200, body: { status: 'warn' } })
  expect(await openAccount(council)).toBe(200)
  await answer.emit('Here.')
  await answer.finish()
  await client.frame('completed')
  client.close()
}

describe('while PostgreSQL is away', () => {
  let server: PostgresServer
  let proxy: FaultProxy
  let council: ServedCouncil
  beforeAll(async () => {
    server = await startPostgres()
    proxy = await startFaultProxy(server.port)
    council = await serveCouncil({
      ...settings(),
      DATABASE_URL: server.url.replace(String(server.port), String(proxy.port)),
    })
    await queriesWork(council)
  })
  afterAll(async () => {
    await council.stop()
    await proxy.close()
    await server.stop()
  })

  test.each([
    { outage: 'killed', begin: () => server.kill(), end: () => server.start() },
    {
      outage: 'stopped in its tracks',
      begin: async () => signalAll(server, 'SIGSTOP'),
      end: async () => signalAll(server, 'SIGCONT'),
    },
    { outage: 'cut off', begin: async () => proxy.blackHole(), end: async () => proxy.heal() },
  ])(
    '($outage) only queries fail, in time and with a code, and they work again afterwards',
    { timeout },
    async ({ begin, end }) => {
      await begin()
      try {
        await expectOnlyReadModelsAreAway(council)
      } finally {
        await end()
      }
      await queriesWork(council)
      await expect.poll(() => healthOfReadModels(council), { timeout: 20_000 }).toMatchObject({ status: 'pass' })
    },
  )

  test('connections whose other end is gone without a word are dropped after one try each', { timeout }, async () => {
    proxy.halfOpen()
    for (let ok = 0; ok < 10;) {
      const query = await get(council, '/v1/treasury/accounts')
      expect(query.ms).toBeLessThan(answeredWithinMs)
      if (query.status === 200) ok++
      else expect(query.body).toMatchObject({ code: 'read_model_unavailable' })
    }
  })
})

test('with PGlite hung, and then killed, the council stays ready', { timeout }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'pglite-'))
  const { url, child } = await startEmbeddedPostgres(dataDir, () => undefined)
  const council = await serveCouncil({ ...settings(), DATABASE_URL: url })
  onTestFinished(async () => {
    await council.kill()
    await child.stop()
    await rm(dataDir, { recursive: true, force: true })
  })
  await queriesWork(council)
  const pid = child.pid() ?? Number.NaN
  process.kill(pid, 'SIGSTOP')
  await expectOnlyReadModelsAreAway(council)
  process.kill(pid, 'SIGKILL')
  expect(await get(council, '/readyz')).toMatchObject({ status: 200 })
  expect(await openAccount(council)).toBe(200)
})

/** Asks until a query is answered. */
async function queriesWork(council: ServedCouncil): Promise<void> {
  while ((await get(council, '/v1/treasury/accounts')).status !== 200);
}

/** A server's processes, the one of each connection included. */
function signalAll(server: PostgresServer, signal: 'SIGSTOP' | 'SIGCONT'): void {
  const children = execFileSync('pgrep', ['-P', String(server.pid())], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number)
  for (const pid of [server.pid(), ...children]) process.kill(pid, signal)
}
