import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startEmbeddedPostgres } from '../../src/platform/postgres/embedded-postgres.ts'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { connectChat } from '../support/chat-client.ts'
import { newId } from '../support/council.ts'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.ts'
import type { PostgresServer } from '../support/postgres-server.ts'
import { serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { startPostgres } from '../support/servers.ts'
import { councilSettings } from '../support/shared-servers.ts'
import { startVllmStandIn, type StandIn } from '../support/vllm-stand-in/server.ts'

/** The time within which a query is answered, however Postgres fails. */
const answeredWithinMs = 5_000
const timeout = 90_000

let model: StandIn
beforeAll(async () => {
  model = await startVllmStandIn()
})
afterAll(() => model.close())

const serve = async (databaseUrl: string) =>
  serveCouncil(await councilSettings({ DATABASE_URL: databaseUrl, VLLM_URL: model.url }))

async function timedQuery(council: ServedCouncil) {
  const startedAt = performance.now()
  const answer = await apiGet(council, '/v1/treasury/accounts')
  return { ...answer, ms: performance.now() - startedAt }
}

const openAccount = async (council: ServedCouncil) =>
  (await executeCommand(council, 'OpenAccount', { account: `agent:a${newId().slice(-8)}` })).status

const checksOf = async (council: ServedCouncil) =>
  (await apiGet(council, '/health')).body['checks'] as Record<string, { status: string; output: string }[]>
const healthOfReadModels = async (council: ServedCouncil) => (await checksOf(council))['read models']?.[0]

/** Expects that queries fail in time, that commands, prompts and readiness still work, and that every report agrees. */
async function expectOnlyReadModelsAreAway(council: ServedCouncil): Promise<void> {
  const answer = model.nextAnswer({ gated: true })
  const client = await connectChat(council.url)
  client.ask()
  await answer.received

  const reason = expect.stringMatching(/^read models: Postgres does not answer: ./)
  const queries = await Promise.all(Array.from({ length: 20 }, () => timedQuery(council)))
  for (const query of queries) {
    expect(query).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { code: 'read_model_unavailable', detail: reason },
    })
    expect(query.ms).toBeLessThan(answeredWithinMs)
  }
  const askedAt = performance.now()
  const unknown = newId()
  client.send({ type: 'resume', requestId: unknown })
  expect(await client.frame('error')).toMatchObject({
    requestId: unknown,
    code: 'read_model_unavailable',
    message: reason,
  })
  expect(performance.now() - askedAt).toBeLessThan(answeredWithinMs)

  await expect
    .poll(() => healthOfReadModels(council), { timeout: 20_000 })
    .toMatchObject({ status: 'warn', output: expect.stringMatching(/^Postgres does not answer: ./) })
  expect(Object.keys(await checksOf(council)).filter((name) => /^check/.test(name))).toEqual([])
  await council.line(/"part":"read models","status":"warn","output":"Postgres does not answer: /)
  expect(await apiGet(council, '/readyz')).toMatchObject({ status: 200, body: { status: 'warn' } })
  expect(await openAccount(council)).toBe(200)
  await answer.emit('Here.')
  await answer.finish()
  await client.frame('completed')
}

describe('while PostgreSQL is unreachable', () => {
  let server: PostgresServer
  let proxy: FaultProxy
  let council: ServedCouncil
  beforeAll(async () => {
    server = await startPostgres()
    proxy = await startFaultProxy(server.port)
    council = await serve(server.url.replace(String(server.port), String(proxy.port)))
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
      outage: 'stopped with SIGSTOP',
      begin: async () => signalAll(server, 'SIGSTOP'),
      end: async () => signalAll(server, 'SIGCONT'),
    },
    { outage: 'cut off', begin: async () => proxy.blackHole(), end: async () => proxy.heal() },
  ])(
    '($outage) only queries fail, in time and with a code, and they work again after it',
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

  test('each half-open connection is dropped after one query', { timeout }, async () => {
    proxy.halfOpen()
    for (let ok = 0; ok < 10;) {
      const query = await timedQuery(council)
      expect(query.ms).toBeLessThan(answeredWithinMs)
      if (query.status === 200) ok++
      else expect(query.body).toMatchObject({ code: 'read_model_unavailable' })
    }
  })
})

test('with PGlite hung, and then killed, the council stays ready', { timeout }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'pglite-'))
  const { url, child } = await startEmbeddedPostgres(dataDir, () => undefined)
  const council = await serve(url)
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
  expect(await apiGet(council, '/readyz')).toMatchObject({ status: 200 })
  expect(await openAccount(council)).toBe(200)
})

/** Repeats a query until it succeeds. */
async function queriesWork(council: ServedCouncil): Promise<void> {
  while ((await timedQuery(council)).status !== 200);
}

/** Signals a server and the process of each of its connections. */
function signalAll(server: PostgresServer, signal: 'SIGSTOP' | 'SIGCONT'): void {
  const children = execFileSync('pgrep', ['-P', String(server.pid())], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number)
  for (const pid of [server.pid(), ...children]) process.kill(pid, signal)
}
