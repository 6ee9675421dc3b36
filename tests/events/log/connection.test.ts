import { cp, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { chatStream } from '../../../src/events/chat.ts'
import { SubmitPrompt } from '../../../src/commands/chat/submit-prompt.ts'
import { beginning, Principal } from '../../../src/events/identifiers.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { connectRedis, whenRedisReady } from '../../../src/platform/redis/connection.ts'
import { newId, type TestCouncil } from '../../support/council.ts'
import { startFaultProxy, type FaultProxy } from '../../support/fault-proxy.ts'
import { testCouncil } from '../../support/lifetimes.ts'
import type { RedisServer } from '../../support/redis-server.ts'
import { startRedis } from '../../support/servers.ts'
import { freshCouncilId, redisUrl } from '../../support/shared-servers.ts'

/** A council with all connections through the proxy, and a second one on the same log without the proxy. */
let proxy: FaultProxy
let council: TestCouncil
let witness: TestCouncil
beforeEach(async () => {
  proxy = await proxyTo(Number(new URL(redisUrl).port))
  council = await testCouncil(freshCouncilId(), proxy.redisUrl)
  witness = await testCouncil(council.councilId)
})

/** A proxy for the current test. */
async function proxyTo(port: number): Promise<FaultProxy> {
  const opened = await startFaultProxy(port)
  onTestFinished(() => opened.close())
  return opened
}

/** A connection for the current test. */
function connect(url: string, role: 'command' | 'blocking') {
  const redis = connectRedis({
    url,
    role,
    name: role === 'blocking' ? 'test-jobs' : 'test-direct',
    logger: silentLogger,
  })
  onTestFinished(() => redis.disconnect())
  return redis
}
async function connected(url: string) {
  const redis = connect(url, 'command')
  await whenRedisReady(redis, 5_000)
  return redis
}

const ask = (by: TestCouncil, id = newId()) => by.execute(SubmitPrompt, { requestId: id, text: 'Why?' }, id)
const streams = async () => (await witness.events()).map(({ stream }) => stream)
/** A text that occurs only in the request that submits a prompt. */
const append = 'PromptSubmitted'
const times = (text: string, needle: string) => text.split(needle).length - 1

describe('an append whose answer is lost', () => {
  test('is retried under the same command id and applied once', async () => {
    await ask(council)
    const id = newId()
    const cut = proxy.cutBeforeReply(append)
    const result = ask(council, id)
    await cut
    expect(await result).toMatchObject({ result: 'duplicate' })
    expect((await streams()).filter((stream) => stream === chatStream(id))).toHaveLength(1)
  })

  test('is never resent by the connection itself', async () => {
    await council.redis.set(`${council.keys.log}:counter`, 0)
    const cut = proxy.cutBeforeReply('incr')
    const failed = expect(council.redis.incr(`${council.keys.log}:counter`)).rejects.toThrow()
    await cut
    await failed
    await whenRedisReady(council.redis, 5_000)
    await council.redis.ping()
    expect(await witness.redis.get(`${council.keys.log}:counter`)).toBe('1')
    expect(times(proxy.sent(), 'incr')).toBe(1)
  })

  test('arrives after a retry on another connection and changes nothing', async () => {
    await ask(council)
    const id = newId()
    proxy.blackHole()
    const slow = ask(council, id)
    expect(await ask(witness, id)).toMatchObject({ result: 'appended' })
    proxy.heal()
    expect(await slow).toMatchObject({ result: 'duplicate' })
    expect((await streams()).filter((stream) => stream === chatStream(id))).toHaveLength(1)
  })
})

describe('a half-open connection', () => {
  test('is dropped by a writer, and the command is applied on a new one', async () => {
    await ask(council)
    proxy.halfOpen()
    const id = newId()
    expect(await ask(council, id)).toMatchObject({ result: 'appended' })
    expect(await streams()).toContain(chatStream(id))
  })

  test('is detected by a follower, which misses no event', async () => {
    const abort = new AbortController()
    const seen: string[] = []
    const followed = (async () => {
      for await (const events of council.log.follow(beginning, abort.signal)) {
        seen.push(...events.map(({ stream }) => stream))
        if (seen.length === 1) proxy.halfOpen()
        if (seen.length === 3) abort.abort()
      }
    })()
    const ids = [newId(), newId(), newId()]
    for (const id of ids) await ask(witness, id)
    await followed
    expect(seen).toEqual(ids.map(chatStream))
  })

  test('is detected by a worker, and a job that was delivered on it is available after the lease', async () => {
    const blocking = connect(proxy.redisUrl, 'blocking')
    const jobs = await council.log.openJobs(blocking, 'worker', 100)
    onTestFinished(jobs.close)
    expect(await jobs.takeNew(1)).toEqual([])
    // The server delivers the job, but the reply is lost.
    const taking = jobs.takeNew(1)
    const dropped = new Promise((resolve) => blocking.once('close', resolve))
    await blockedReaders(1)
    proxy.blackHole()
    const id = newId()
    await ask(witness, id)
    expect(await taking).toEqual([])
    proxy.halfOpen()
    proxy.heal()
    // The connection for commands is dead too; it reports this once.
    const alsoDropped = new Promise((resolve) => council.redis.once('close', resolve))
    await expect(jobs.takeAbandoned(1)).rejects.toThrow()
    await alsoDropped
    await whenRedisReady(council.redis, 5_000)
    let taken = await jobs.takeAbandoned(1)
    while (taken.length === 0) taken = await jobs.takeAbandoned(1)
    expect(taken).toMatchObject([{ stream: chatStream(id) }])
    const next = newId()
    await ask(witness, next)
    await dropped
    await whenRedisReady(blocking, 5_000)
    let fresh = await jobs.takeNew(1)
    while (fresh.length === 0) fresh = await jobs.takeNew(1)
    expect(fresh).toMatchObject([{ stream: chatStream(next) }])
  })
})

/** Resolves when the server has this many blocked clients of this file's council. */
async function blockedReaders(count: number): Promise<string[]> {
  for (;;) {
    const clients = String(await witness.redis.client('LIST'))
      .split('\n')
      .filter((line) => /flags=b/.test(line) && /name=test-(follow|jobs) /.test(line))
    if (clients.length >= count) return clients
  }
}

describe('every connection', () => {
  test('speaks RESP 2 without HELLO, and each reader has its own', async () => {
    const abort = new AbortController()
    const counts = [0, 0]
    const readers = counts.map(async (_, index) => {
      for await (const events of council.log.follow(beginning, abort.signal)) {
        counts[index] = (counts[index] ?? 0) + events.length
        if (counts.every((count) => count === 2)) abort.abort()
      }
    })
    await ask(council)
    const clients = await blockedReaders(2)
    for (const client of clients) expect(client).toContain(' resp=2')
    await ask(council)
    await Promise.all(readers)
    expect(proxy.sent()).not.toMatch(/hello/i)
    expect(times(proxy.sent(), 'setname')).toBeGreaterThanOrEqual(3)
  })
})

/** A council on a Redis of the current test, through a proxy. */
async function councilOnOwnServer() {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const through = await proxyTo(server.port)
  return { server, through, other: await testCouncil(freshCouncilId(), through.redisUrl) }
}

describe('after a reconnect', () => {
  /** A council that has written two events to a server, and whose proxy now leads to the prepared second server. */
  async function moved(prepare: (from: RedisServer, councilId: string) => Promise<RedisServer>) {
    const { server: first, through, other } = await councilOnOwnServer()
    await ask(other)
    await ask(other)
    const second = await prepare(first, other.councilId)
    onTestFinished(() => second.stop())
    const direct = await connected(second.url)
    await direct.config('RESETSTAT')
    through.target(second.port)
    return { other, through, direct }
  }
  /** A second server with a copy of the first one's current log. */
  async function copyOf(first: RedisServer) {
    const dir = await mkdtemp(join(tmpdir(), 'redis-copy-'))
    await cp(first.dir, dir, { recursive: true })
    return startRedis({ dir })
  }
  /** Resets all connections. Resolves when the connection for commands is ready again. */
  async function reconnected({ redis }: TestCouncil, through: FaultProxy): Promise<void> {
    // Node's `once` would reject at the connection's first error.
    const lost = new Promise((resolve) => redis.once('close', resolve))
    through.reset()
    await lost
    await whenRedisReady(redis, 5_000)
  }
  /** The commands that the server received, without the checks. */
  const writesOn = async (direct: TestCouncil['redis']) =>
    [
      ...(await direct.info('commandstats')).matchAll(
        /^cmdstat_(eval|evalsha|set|xadd|hset|xgroup[^:]*|xclaim|xautoclaim|xreadgroup):/gm,
      ),
    ].map(([, name]) => name)

  test('to another server with the same log continues after a check', async () => {
    const { other, through, direct } = await moved(copyOf)
    through.reset()
    expect(await ask(other)).toMatchObject({ result: 'appended' })
    expect(await direct.xlen(other.keys.log)).toBe(3)
  })

  test('to an empty server sends no commands, idempotency keys or jobs', async () => {
    const { other, through, direct } = await moved(() => startRedis())
    const blocking = connect(through.redisUrl, 'blocking')
    await reconnected(other, through)
    await expect(other.log.commandIdFor(Principal.parse('ada'), 'key', newId)).rejects.toMatchObject({
      code: 'log_replaced',
    })
    await expect(other.log.openJobs(blocking, 'worker', 1000)).rejects.toMatchObject({ code: 'log_replaced' })
    expect(await ask(other)).toMatchObject({ result: 'rejected', code: 'log_stopped' })
    expect(other.gate.stoppedBy()).toMatchObject({ code: 'log_replaced' })
    expect(await writesOn(direct)).toEqual([])
    expect(await direct.dbsize()).toBe(0)
  })

  test('to an older copy sends nothing, not even from a process that has only read the lost events', async () => {
    const { other, through, direct } = await moved(async (first, id) => {
      const copy = await copyOf(first)
      await ask(await testCouncil(id, first.url))
      return copy
    })
    expect(await other.events()).toHaveLength(3)
    await reconnected(other, through)
    expect(await ask(other)).toMatchObject({ result: 'rejected', code: 'log_stopped' })
    expect(other.gate.stoppedBy()).toMatchObject({ code: 'log_lost_its_tail' })
    expect(await direct.xlen(other.keys.log)).toBe(2)
  })

  test('sends nothing before the check of the new connection, even from its first listener', async () => {
    const { other, through, direct } = await moved(async (first) => {
      const copy = await copyOf(first)
      await (await connected(copy.url)).config('SET', 'appendfsync', 'everysec')
      return copy
    })
    // Runs before all other listeners, including the log's own.
    const request = { commands: [], reads: [], events: [], states: [], jobs: [], finishedJobs: [] }
    const appended = new Promise((resolve) =>
      other.redis.prependOnceListener('ready', () => resolve(other.log.append(request))),
    )
    through.reset()
    await expect(appended).rejects.toMatchObject({ code: 'not_durable' })
    expect(await writesOn(direct)).toEqual([])
  })
})

test('a command with an unknown outcome is not reported as undone when the log stops', async () => {
  const { server, through, other } = await councilOnOwnServer()
  await ask(other)
  const direct = await connected(server.url)
  const id = newId()
  const cut = through.cutBeforeReply(append)
  const result = ask(other, id)
  await cut
  await direct.config('SET', 'appendfsync', 'everysec')
  expect(await result).toMatchObject({ result: 'rejected', code: 'outcome_unknown' })
  expect(other.gate.stoppedBy()).toMatchObject({ code: 'not_durable' })
  expect(await direct.xlen(other.keys.log)).toBe(2)
  expect(await ask(other)).toMatchObject({ result: 'rejected', code: 'log_stopped' })
})
