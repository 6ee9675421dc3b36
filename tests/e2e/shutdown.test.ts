import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { connectChat } from '../support/chat-client.ts'
import { clientFrame, rawConnection, silentChat } from '../support/raw-chat.ts'
import { adminToken, serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { startPostgres, startRedis } from '../support/servers.ts'
import { createDatabaseOn } from '../support/postgres-server.ts'
import { freshCouncilId } from '../support/shared-servers.ts'
import { startVllmStandIn, type StandIn } from '../support/vllm-stand-in/server.ts'

/** The time that a host gives a process between SIGTERM and SIGKILL. */
const hostPatienceMs = 10_000

let model: StandIn
beforeAll(async () => {
  model = await startVllmStandIn()
})
afterAll(() => model.close())

const open = (socket: Socket) => onTestFinished(() => void socket.destroy())

/** A council on servers of its own, so that a test may stop any of them. */
async function ownCouncil(settings: Record<string, string> = {}) {
  const [redis, ephemeral, postgres] = await Promise.all([startRedis(), startRedis(), startPostgres()])
  for (const server of [redis, ephemeral, postgres]) onTestFinished(() => server.kill().then(server.stop))
  const council = await serveCouncil(
    {
      COUNCIL_ID: freshCouncilId(),
      REDIS_URL: redis.url,
      REDIS_EPHEMERAL_URL: ephemeral.url,
      DATABASE_URL: await createDatabaseOn(postgres.url),
      VLLM_URL: model.url,
      ...settings,
    },
    'api,worker,projector,archiver',
  )
  onTestFinished(council.kill)
  return { council, redis, ephemeral, postgres }
}

/** Begins an answer that the model never ends. */
async function endlessAnswer(council: ServedCouncil): Promise<void> {
  const answer = model.nextAnswer({ gated: true })
  const client = await connectChat(council.url)
  client.ask()
  await answer.emit('Paris')
  await client.frame('token')
}

/** Stops a council with SIGTERM; resolves with its exit code and the time that it took. */
async function end(council: ServedCouncil): Promise<{ code: number | null; ms: number }> {
  const startedAt = performance.now()
  const code = await council.stop()
  return { code, ms: performance.now() - startedAt }
}

describe('a council that is asked to stop', { timeout: 120_000 }, () => {
  test('does not wait for clients that are silent after a frame, one byte, half a request, or nothing', async () => {
    const { council } = await ownCouncil()
    await endlessAnswer(council)
    const silent = await silentChat(council.url)
    silent.write(clientFrame('text', '{"type":"ping"}'))
    open(silent)
    const head = `POST /v1/commands/OpenAccount HTTP/1.1\r\nHost: council\r\nAuthorization: Bearer ${adminToken}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"account":`
    for (const bytes of ['G', '', head, head.replace(adminToken, 'a-wrong-token')])
      open(await rawConnection(council.url, bytes))
    const { code, ms } = await end(council)
    expect(code).toBe(0)
    expect(ms).toBeLessThan(hostPatienceMs)
  })

  test('tells a reading client at once to reconnect', async () => {
    const { council } = await ownCouncil()
    const client = await connectChat(council.url)
    open(await rawConnection(council.url, 'G'))
    const ending = end(council)
    await client.frame('restart')
    expect(await client.closed).toEqual({ code: 1012 })
    expect(await ending).toMatchObject({ code: 0 })
  })

  test.each([
    ['redis', 'kill'],
    ['ephemeral', 'kill'],
    ['postgres', 'kill'],
    ['redis', 'SIGSTOP'],
    ['ephemeral', 'SIGSTOP'],
  ] as const)('stops in time with an answer in progress and %s after %s', async (name, fault) => {
    const { council, ...stores } = await ownCouncil()
    await endlessAnswer(council)
    if (fault === 'kill') await stores[name].kill()
    else stores[name].signal(fault)
    expect((await end(council)).ms).toBeLessThan(hostPatienceMs)
  })

  test('logs the step that is late, and exits with 1 when it cuts the stop short', async () => {
    const { council, redis } = await ownCouncil({ SHUTDOWN_TIMEOUT_MS: '1000' })
    await endlessAnswer(council)
    redis.signal('SIGSTOP')
    const { code, ms } = await end(council)
    expect(code).toBe(1)
    expect(ms).toBeLessThan(hostPatienceMs)
    const lines = council.lines().filter((line) => line.includes('shutdown_cut_short'))
    expect(lines.map((line) => (JSON.parse(line) as { hung: string[] }).hung)).toEqual([
      expect.arrayContaining(['the worker']),
    ])
  })

  test('exits at once on a second SIGTERM', async () => {
    const { council, redis } = await ownCouncil()
    await endlessAnswer(council)
    redis.signal('SIGSTOP')
    const ended = once(council.child, 'exit')
    council.child.kill('SIGTERM')
    await council.line(/"msg":"stopping"/)
    council.child.kill('SIGTERM')
    expect(await ended).toEqual([130, null])
  })
})
