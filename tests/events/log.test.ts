import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SubmitPrompt } from '../../src/commands/submit-prompt.ts'
import { beginning, chatStream, comparePositions, justBefore, type Position, type StreamName, type Uuid7 } from '../../src/events/identifiers.ts'
import { append } from '../../src/events/log/append.ts'
import type { AppendRequest } from '../../src/events/log/log.ts'
import { openLog } from '../../src/events/log/open.ts'
import { redisLog } from '../../src/events/log/redis-log.ts'
import { newId, openTestCouncil, testMacs, type TestCouncil } from '../support/council.ts'
import { startRedis } from '../support/servers.ts'
import { freshCouncilId, redisUrl } from '../support/shared-servers.ts'

let council: TestCouncil
beforeAll(async () => {
  council = await openTestCouncil(redisUrl, freshCouncilId())
})
afterAll(() => council.close())

const metadata = (commandId: string) =>
  JSON.stringify({ eventId: newId(), commandId, correlationId: commandId, causationId: commandId, actor: 'tester', occurredAt: '2026-11-23T12:00:00.000Z' })
const cancellation = { type: 'CancellationRequested', version: 1, data: '{"by":"tester"}' }

/** An append of one event to each stream, all of them expected as given. */
function write(streams: { stream: StreamName; revision: number | 'any'; expected?: number | 'any' }[], commandId: Uuid7 = newId()): AppendRequest {
  return {
    commands: [{ principal: 'tester', commandId, contentHash: 'h', events: streams.length }],
    reads: streams.map(({ stream, revision }) => ({ stream, revision })),
    events: streams.map(({ stream }) => ({ stream, ...cancellation, metadata: metadata(commandId) })),
    states: streams.map(({ stream }) => ({ stream, foldVersion: 1, state: '{}' })),
    jobs: [],
    finishedJobs: [],
  }
}
const aStream = () => chatStream(newId())

describe('an append', () => {
  test('over several aggregates is written whole, in order, or not at all', async () => {
    const [first, second] = [aStream(), aStream()]
    const done = await council.log.append(write([{ stream: first, revision: 0 }, { stream: second, revision: 0 }]))
    expect(done).toMatchObject({ result: 'appended', positions: [expect.any(String), expect.any(String)] })
    const before = await council.events()
    const refused = await council.log.append(write([{ stream: first, revision: 1 }, { stream: second, revision: 7 }]))
    expect(refused).toEqual({ result: 'conflict', current: [{ stream: second, status: 'live', revision: 1, foldVersion: 1, state: '{}' }] })
    expect(await council.events()).toEqual(before)
  })

  test('checks the revision of an aggregate that was only read', async () => {
    const [read, written] = [aStream(), aStream()]
    await council.log.append(write([{ stream: read, revision: 0 }]))
    const request = write([{ stream: written, revision: 0 }])
    const stale = { ...request, reads: [...request.reads, { stream: read, revision: 0 }] }
    expect(await council.log.append(stale)).toMatchObject({ result: 'conflict', current: [{ stream: read, revision: 1 }] })
  })

  test('takes any revision where it does not matter', async () => {
    const stream = aStream()
    await council.log.append(write([{ stream, revision: 0 }]))
    expect(await council.log.append(write([{ stream, revision: 'any' }]))).toMatchObject({ result: 'appended' })
    expect(await council.log.loadStates([stream])).toMatchObject([{ revision: 2 }])
  })

  test('of a batch of which one part is already in writes nothing and says which', async () => {
    const known = newId()
    const done = await council.log.append(write([{ stream: aStream(), revision: 0 }], known))
    const position = done.result === 'appended' ? done.positions[0] : undefined
    const fresh = write([{ stream: aStream(), revision: 0 }])
    const repeated = write([{ stream: aStream(), revision: 0 }], known)
    const batch = { ...fresh, commands: [...fresh.commands, ...repeated.commands], reads: [...fresh.reads, ...repeated.reads], events: [...fresh.events, ...repeated.events], states: [] }
    expect(await council.log.append(batch)).toEqual({ result: 'duplicate', known: [{ index: 1, contentHash: 'h', first: position, last: position }] })
    expect(await council.log.loadStates(fresh.reads.map(({ stream }) => stream))).toMatchObject([{ revision: 0 }])
  })

  test('leaves an exact number and an empty list as they are: JSON is never decoded on the way', async () => {
    const stream = aStream()
    const request = write([{ stream, revision: 0 }])
    await council.log.append({ ...request, states: [{ stream, foldVersion: 1, state: '{"exact":100000000000001,"empty":[]}' }] })
    expect(await council.log.loadStates([stream])).toMatchObject([{ state: '{"exact":100000000000001,"empty":[]}' }])
  })

  test('over a state of a newer program stops the log rather than to overwrite it', async () => {
    const stream = aStream()
    const request = write([{ stream, revision: 0 }])
    await council.log.append({ ...request, states: [{ stream, foldVersion: 9, state: '{}' }] })
    await expect(council.log.append(write([{ stream, revision: 1 }]))).rejects.toMatchObject({ code: 'state_of_newer_program' })
  })

  test('to a key that holds something else writes nothing', async () => {
    const other = await openTestCouncil(redisUrl, freshCouncilId())
    await other.redis.set(other.keys.work, 'not a stream')
    await expect(other.log.append(write([{ stream: aStream(), revision: 0 }]))).rejects.toMatchObject({ code: 'log_key_of_wrong_type' })
    expect(await other.redis.exists(other.keys.log)).toBe(0)
    other.close()
  })

  test('to a log that was lost or replaced is refused', async () => {
    const other = await openTestCouncil(redisUrl, freshCouncilId())
    await expect(append(other.redis, other.keys, { incarnation: newId(), sequence: 0 }, testMacs, write([{ stream: aStream(), revision: 0 }]))).rejects.toMatchObject({ code: 'log_replaced' })
    await other.redis.del(other.keys.meta)
    await expect(other.log.append(write([{ stream: aStream(), revision: 0 }]))).rejects.toMatchObject({ code: 'log_replaced' })
    other.close()
  })
})

describe('a Redis that comes back', () => {
  test('with less than it acknowledged is not written to', async () => {
    const other = await openTestCouncil(redisUrl, freshCouncilId())
    await other.log.append(write([{ stream: aStream(), revision: 0 }]))
    await other.log.append(write([{ stream: aStream(), revision: 0 }]))
    // What a restored backup looks like: the same log, a little younger.
    await other.redis.hset(other.keys.meta, 'sequence', 1)
    await expect(other.log.append(write([{ stream: aStream(), revision: 0 }]))).rejects.toMatchObject({ code: 'log_lost_its_tail' })
    other.close()
  })

  test('with settings that would lose events is not written to', async () => {
    const server = await startRedis({ appendfsync: 'always' })
    const other = await openTestCouncil(server.url, freshCouncilId())
    await other.log.append(write([{ stream: aStream(), revision: 0 }]))
    await other.redis.config('SET', 'appendfsync', 'everysec')
    const back = once(other.redis, 'ready')
    await other.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no')
    await back
    await expect(other.log.append(write([{ stream: aStream(), revision: 0 }]))).rejects.toMatchObject({ code: 'not_durable' })
    other.close()
    await server.stop()
  })

  test('after a kill has everything that was acknowledged', async () => {
    const server = await startRedis({ appendfsync: 'always' })
    const councilId = freshCouncilId()
    const other = await openTestCouncil(server.url, councilId)
    const ids = Array.from({ length: 200 }, newId)
    const acknowledged: Uuid7[] = []
    const writing = Promise.allSettled(ids.map(async (id) => other.execute(SubmitPrompt, { requestId: id, text: 'Why?' }, id).then(({ result }) => result === 'appended' && acknowledged.push(id))))
    await server.kill()
    await server.start()
    await writing
    const streams = (await other.events()).map(({ stream }) => stream)
    expect(new Set(streams).size).toBe(streams.length)
    expect(acknowledged.filter((id) => !streams.includes(chatStream(id)))).toEqual([])
    expect(acknowledged.length).toBeGreaterThan(0)
    other.close()
    await server.stop()
  })
})

describe('a log', () => {
  test('keeps one identity for everyone who opens it', async () => {
    const open = () => openLog(council.redis, council.keys, { durability: 'fsync', macs: testMacs, newIncarnation: newId() })
    expect(await open()).toBe(await open())
  })

  test('refuses a Redis that would lose acknowledged events, and says how to put it right', async () => {
    const server = await startRedis({ appendfsync: 'no' })
    await expect(openTestCouncil(server.url, freshCouncilId())).rejects.toThrow('CONFIG SET appendfsync always')
    await server.stop()
  })

  test('reads what it wrote, after and up to a position, by stream and by type', async () => {
    const requestId = newId()
    const { position } = (await council.execute(SubmitPrompt, { requestId, text: 'Why?' }, requestId)) as { position: Position }
    const read = async (options: Parameters<typeof council.log.read>[0]) => {
      const found = []
      for await (const page of council.log.read(options)) found.push(...page)
      return found.map((event) => event.position)
    }
    expect(await read({ after: justBefore(position), upTo: position })).toEqual([position])
    expect(await read({ streams: [chatStream(requestId)] })).toEqual([position])
    expect(await read({ streams: [chatStream(requestId)], types: ['AnswerFailed'] })).toEqual([])
    expect(await read({ limit: 1 })).toHaveLength(1)
    expect(await read({ after: position })).toEqual([])
  })

  test('is followed without a gap from any position, while it grows', async () => {
    const abort = new AbortController()
    const from = await council.log.head()
    const ids = Array.from({ length: 50 }, newId)
    const seen: string[] = []
    const following = (async () => {
      for await (const events of council.log.follow(from, abort.signal)) {
        seen.push(...events.map(({ stream }) => stream))
        if (seen.length >= ids.length) abort.abort()
      }
    })()
    for (const id of ids) await council.execute(SubmitPrompt, { requestId: id, text: 'Why?' }, id)
    await following
    expect(seen).toEqual(ids.map(chatStream))
  })

  test('stops its reader at an entry that is not an event, and names it', async () => {
    const other = await openTestCouncil(redisUrl, freshCouncilId())
    const id = await other.redis.xadd(other.keys.log, '*', 'sequence', '1', 'stream', 'chat/x', 'revision', '1', 'type', 'PromptSubmitted', 'version', '1', 'data', '{"half', 'metadata', '{}')
    await expect(other.events()).rejects.toMatchObject({ code: 'malformed_event', at: id })
    other.close()
  })

  test('stops its reader at an event of a newer program', async () => {
    const other = await openTestCouncil(redisUrl, freshCouncilId())
    const fields = { sequence: '1', stream: 'chat/x', revision: '1', type: 'CancellationRequested', version: '2', data: '{"by":"x"}', metadata: metadata('c') }
    await other.redis.xadd(other.keys.log, '*', ...Object.entries(fields).flat())
    await expect(other.events()).rejects.toMatchObject({ code: 'unknown_event_version' })
    other.close()
  })
})

describe('positions', () => {
  test('compare as two numbers, not as text', () => {
    expect(comparePositions('9-0' as Position, '10-0' as Position)).toBeLessThan(0)
    expect(comparePositions('10-9' as Position, '10-10' as Position)).toBeLessThan(0)
    expect(comparePositions(beginning, beginning)).toBe(0)
  })
})

test('a log of a connection that was closed fails at once rather than to wait', async () => {
  const other = await openTestCouncil(redisUrl, freshCouncilId())
  other.close()
  const log = redisLog({ redis: other.redis, openBlocking: () => other.redis, keys: other.keys, incarnation: 'x', durability: 'fsync', macs: testMacs })
  await expect(log.head()).rejects.toThrow()
})
