import { once } from 'node:events'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { chatStream } from '../../../src/events/chat.ts'
import { SubmitPrompt } from '../../../src/commands/chat/submit-prompt.ts'
import { beginning, comparePositions, type Position, type Uuid7 } from '../../../src/events/identifiers.ts'
import { append } from '../../../src/events/log/append/append.ts'
import { logKeys } from '../../../src/events/log/keys.ts'
import { openLog } from '../../../src/events/log/open.ts'
import { redisLog } from '../../../src/events/log/redis-log.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { connectRedis, whenRedisReady } from '../../../src/platform/redis/connection.ts'
import { newId, openTestCouncil, testMacs } from '../../support/council.ts'
import { suiteCouncil, testCouncil } from '../../support/lifetimes.ts'
import { anEvent, writeTo } from '../../support/log-requests.ts'
import { startRedis } from '../../support/servers.ts'
import { freshCouncilId, redisUrl } from '../../support/shared-servers.ts'

const council = await suiteCouncil()
const aStream = () => chatStream(newId())

/** A Redis for the current test. */
async function startServer(appendfsync: 'always' | 'no') {
  const server = await startRedis({ appendfsync })
  onTestFinished(() => server.stop())
  return server
}

describe('an append', () => {
  test.each(['work', 'deadlines'] as const)('to a key of another type (%s) writes nothing', async (key) => {
    const other = await testCouncil()
    await other.redis.set(other.keys[key], 'something else')
    await expect(other.log.append(writeTo(aStream()))).rejects.toMatchObject({ code: 'log_key_of_wrong_type' })
    expect(await other.redis.exists(other.keys.log)).toBe(0)
  })

  test('to a lost or replaced log is refused', async () => {
    const other = await testCouncil()
    const replaced = { incarnation: newId(), sequence: 0 }
    await expect(append(other.redis, other.keys, replaced, testMacs, writeTo(aStream()))).rejects.toMatchObject({
      code: 'log_replaced',
    })
    await other.redis.del(other.keys.meta)
    await expect(other.log.append(writeTo(aStream()))).rejects.toMatchObject({ code: 'log_replaced' })
  })
})

describe('a Redis that comes back', () => {
  test('with settings that are not durable is not written', async () => {
    const server = await startServer('always')
    const other = await testCouncil(freshCouncilId(), server.url)
    await other.log.append(writeTo(aStream()))
    await other.redis.config('SET', 'appendfsync', 'everysec')
    const back = once(other.redis, 'ready')
    await other.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no')
    await back
    await expect(other.log.append(writeTo(aStream()))).rejects.toMatchObject({ code: 'not_durable' })
  })

  test('after a kill has every acknowledged event', async () => {
    const server = await startServer('always')
    const other = await testCouncil(freshCouncilId(), server.url)
    const ids = Array.from({ length: 200 }, newId)
    const acknowledged: Uuid7[] = []
    const writing = Promise.allSettled(
      ids.map(async (id) =>
        other
          .execute(SubmitPrompt, { requestId: id, text: 'Why?' }, id)
          .then(({ result }) => result === 'appended' && acknowledged.push(id)),
      ),
    )
    await server.kill()
    await server.start()
    await writing
    const streams = (await other.events()).map(({ stream }) => stream)
    expect(new Set(streams).size).toBe(streams.length)
    expect(acknowledged.filter((id) => !streams.includes(chatStream(id)))).toEqual([])
    expect(acknowledged.length).toBeGreaterThan(0)
  })
})

describe('a log', () => {
  test('that another process creates at the same moment is opened with its identity', async () => {
    const councilId = freshCouncilId()
    const keys = logKeys(councilId)
    const racing = connectRedis({ url: redisUrl, role: 'command', name: 'test', logger: silentLogger })
    await whenRedisReady(racing, 5_000)
    const exists = racing.exists.bind(racing)
    vi.spyOn(racing, 'exists').mockImplementationOnce(async () => {
      const other = await openTestCouncil(redisUrl, councilId)
      await other.log.append(writeTo(aStream()))
      other.close()
      return exists(keys.log, keys.states, keys.meta)
    })
    const incarnation = await openLog(racing, keys, { durability: 'fsync', macs: testMacs, newIncarnation: newId() })
    expect(incarnation).toBe(await council.redis.hget(keys.meta, 'incarnation'))
    racing.disconnect()
  })

  test('has the same identity in every process', async () => {
    const open = () =>
      openLog(council.redis, council.keys, { durability: 'fsync', macs: testMacs, newIncarnation: newId() })
    expect(await open()).toBe(await open())
  })

  test('refuses a Redis that is not durable, with the commands that fix it', async () => {
    const server = await startServer('no')
    await expect(openTestCouncil(server.url, freshCouncilId())).rejects.toThrow('CONFIG SET appendfsync always')
  })

  test.each([
    ['an entry that is not an event', 'malformed_event', { type: 'PromptSubmitted', version: '1', data: '{"half' }],
    ['an event of a newer program', 'unknown_event_version', { version: '2' }],
  ])('stops the reader at %s, and names it', async (_, code, fields) => {
    const other = await testCouncil()
    const { stream, type, data, metadata } = anEvent(aStream(), newId())
    const entry = { sequence: '1', stream, revision: '1', type, data, metadata, ...fields }
    const at = await other.redis.xadd(other.keys.log, '*', ...Object.entries(entry).flat())
    await expect(other.events()).rejects.toMatchObject({ code, at })
  })
})

describe('positions', () => {
  test('compare as two numbers, not as text', () => {
    expect(comparePositions('9-0' as Position, '10-0' as Position)).toBeLessThan(0)
    expect(comparePositions('10-9' as Position, '10-10' as Position)).toBeLessThan(0)
    expect(comparePositions(beginning, beginning)).toBe(0)
  })
})

test('a log on a closed connection fails at once instead of waiting', async () => {
  const other = await testCouncil()
  other.close()
  const log = redisLog({
    redis: other.redis,
    openBlocking: () => other.redis,
    keys: other.keys,
    incarnation: 'x',
    durability: 'fsync',
    macs: testMacs,
  })
  await expect(log.head()).rejects.toThrow()
})
