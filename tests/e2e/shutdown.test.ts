import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { connectChat } from '../support/chat-client.ts'
import { clientFrame, rawConnection, silentChat } from '../support/raw-chat.ts'
import type { Restartable } from '../support/restartable.ts'
import { adminToken, serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { startPostgres, startRedis } from '../support/servers.ts'
import { createDatabaseOn } from '../support/postgres-server.ts'
import { freshCouncilId } from '../support/shared-servers.ts'
import { startVllmStandIn, type StandIn } from '../support/vllm-stand-in/server.ts'

/** A host kills a process so long after it asked it to end. */
const hostPatienceMs = 10_000

let model: StandIn
const servers: Restartable[] = []
const sockets: Socket[] = []
const councils: ServedCouncil[] = []
beforeAll(async () => {
  model = await startVllmStandIn()
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const council of councils.splice(0)) await council.kill()
  for (const server of servers.splice(0)) await server.kill().then(server.stop)
})
afterAll(() => model.close())

/** A council on servers of its own, so that a test may stop any of them. */
async function councilOfItsOwn(settings: Record<string, string> = {}) {
  const [redis, ephemeral, postgres] = await Promise.all([startRedis(), startRedis(), startPostgres()])
  servers.push(redis, ephemeral, postgres)
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
  councils.push(council)
  return { council, redis, ephemeral, postgres }
}

/** An answer that the model never ends. */
async function endlessAnswer(council: ServedCouncil): Promise<void> {
  const answer = model.nextAnswer({ gated: true })
  const client = await connectChat(council.url)
  client.send({ type: 'prompt', text: 'What is the capital of France?' })
  await answer.emit('Paris')
  await client.frame('token')
}

/** SIGTERM; the exit code, and how long the end took. */
async function end(council: ServedCouncil): Promise<{ code: number | null; ms: number }> {
  const startedAt = performance.now()
  const code = await council.stop()
  return { code, ms: performance.now() - startedAt }
}

describe('a council that is asked to end', { timeout: 120_000 }, () => {
  test('does not wait for clients that never answer: a silent socket, one byte, half a request, nothing at all', async () => {
    const { council } = await councilOfItsOwn()
    await endlessAnswer(council)
    const silent = await silentChat(council.url)
    silent.write(clientFrame('text', '{"type":"ping"}'))
    sockets.push(silent, await rawConnection(council.url, 'G'), await rawConnection(council.url))
    const head = `POST /v1/commands/OpenAccount HTTP/1.1\r\nHost: council\r\nAuthorization: Bearer ${adminToken}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"account":`
    sockets.push(
      await rawConnection(council.url, head),
      await rawConnection(council.url, head.replace(adminToken, 'a-stranger')),
    )
    const { code, ms } = await end(council)
    expect(code).toBe(0)
    expect(ms).toBeLessThan(hostPatienceMs)
  })

  test('tells a client that reads to come back, at once', async () => {
    const { council } = await councilOfItsOwn()
    const client = await connectChat(council.url)
    sockets.push(await rawConnection(council.url, 'G'))
    const ending = end(council)
    await client.frame('restart')
    expect(await client.closed).toEqual({ code: 1012 })
    expect(await ending).toMatchObject({ code: 0 })
  })

  test.each(['redis', 'ephemeral', 'postgres'] as const)(
    'ends in time when %s is dead, with an answer under way',
    async (name) => {
      const { council, ...stores } = await councilOfItsOwn()
      await endlessAnswer(council)
      await stores[name].kill()
      expect((await end(council)).ms).toBeLessThan(hostPatienceMs)
    },
  )

  test.each(['redis', 'ephemeral'] as const)('ends in time when %s hangs, with an answer under way', async (name) => {
    const { council, ...stores } = await councilOfItsOwn()
    await endlessAnswer(council)
    stores[name].signal('SIGSTOP')
    expect((await end(council)).ms).toBeLessThan(hostPatienceMs)
  })

  test('names the step that is late, and says with its exit code that the end was cut short', async () => {
    const { council, redis } = await councilOfItsOwn({ SHUTDOWN_TIMEOUT_MS: '1000' })
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

  test('twice, ends in the same moment', async () => {
    const { council, redis } = await councilOfItsOwn()
    await endlessAnswer(council)
    redis.signal('SIGSTOP')
    const ended = once(council.child, 'exit')
    council.child.kill('SIGTERM')
    await council.line(/"msg":"stopping"/)
    council.child.kill('SIGTERM')
    expect(await ended).toEqual([130, null])
  })
})
