import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { previewWriter, readTokens, tokensKey, tokenWriter } from '../../../src/agents/tokens/token-stream.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { connectRedis, whenRedisReady } from '../../../src/platform/redis/connection.ts'
import { newId } from '../../support/council.ts'
import { startRedis } from '../../support/servers.ts'
import { freshCouncilId } from '../../support/shared-servers.ts'

const councilId = freshCouncilId()
/** A server of its own, because a test counts its commands. */
let server: Awaited<ReturnType<typeof startRedis>>
let redis: ReturnType<typeof connectRedis>
beforeAll(async () => {
  server = await startRedis({ appendfsync: 'no' })
  redis = connectRedis({ url: server.url, role: 'command', name: 'test', logger: silentLogger })
  await whenRedisReady(redis, 5_000)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

/** The scripts that the server has run so far. */
const scriptCalls = async (): Promise<number> =>
  Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)

/** The token stream of a new request, whose first attempt has begun. */
async function begun() {
  const requestId = newId()
  const write = tokenWriter(redis, councilId)
  const preview = previewWriter(redis, councilId)
  await write(requestId, 1, 0, '')
  return {
    write: (attempt: number, offset: number, text: string) => write(requestId, attempt, offset, text),
    preview: (attempt: number, member: string, text: string) => preview(requestId, attempt, member, text),
    read: (afterId = '0-0') => readTokens(redis, councilId, requestId, afterId),
  }
}

describe('pieces of many answers', () => {
  test('go to Redis in one command, each with its own outcome', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, begun))
    const [, newer] = answers
    await newer?.write(2, 0, '')
    const before = await scriptCalls()
    const outcomes = await Promise.all(
      answers.map(({ write }, index) => write(1, index === 2 ? 5 : 0, `Answer ${index}`)),
    )
    expect((await scriptCalls()) - before).toBe(1)
    expect(outcomes).toEqual(answers.map((_, index) => (index === 1 ? 'superseded' : index === 2 ? 'lost' : 'written')))
    const texts = await Promise.all(answers.map(async ({ read }) => (await read()).text))
    expect(texts).toEqual(answers.map((_, index) => (index === 1 || index === 2 ? '' : `Answer ${index}`)))
  })

  test('go on when one of the keys is not a token stream', async () => {
    const broken = newId()
    await redis.set(tokensKey(councilId, broken), 'something else')
    const { write, read } = await begun()
    const outcomes = await Promise.all([tokenWriter(redis, councilId)(broken, 1, 0, 'a'), write(1, 0, 'b')])
    expect(outcomes).toEqual(['lost', 'written'])
    expect((await read()).text).toBe('b')
  })
})

describe('previews in a token stream', () => {
  test('are read in order, and leave the answer and its offsets as they are', async () => {
    const { write, preview, read } = await begun()
    await preview(1, 'analyst', 'The capital')
    await preview(1, 'sceptic', 'Well, ')
    expect(await write(1, 0, 'Paris')).toBe('written')
    await preview(1, 'analyst', ' is')
    expect(await write(1, 5, ' it is.')).toBe('written')
    const page = await read()
    expect(page).toMatchObject({ text: 'Paris it is.', endOffset: 12, begun: [1] })
    expect(page.previews.map(({ attempt, member, text }) => [attempt, member, text])).toEqual([
      [1, 'analyst', 'The capital'],
      [1, 'sceptic', 'Well, '],
      [1, 'analyst', ' is'],
    ])
  })

  test('are read after an entry', async () => {
    const { preview, read } = await begun()
    await preview(1, 'analyst', 'a')
    const first = await read()
    await preview(1, 'analyst', 'b')
    const second = await read(first.lastId)
    expect(second.previews.map(({ text }) => text)).toEqual(['b'])
    expect(second).toMatchObject({ text: '', lastId: second.previews[0]?.id })
    expect(await read(second.lastId)).toMatchObject({ previews: [], lastId: second.lastId })
  })

  test('of an attempt that was superseded are not written', async () => {
    const { write, preview, read } = await begun()
    await write(2, 0, '')
    await preview(1, 'analyst', 'too late')
    await preview(2, 'analyst', 'in time')
    expect((await read()).previews.map(({ text }) => text)).toEqual(['in time'])
  })

  test('are lost without an error while Redis is unreachable', async () => {
    const gone = connectRedis({ url: server.url, role: 'command', name: 'test-gone', logger: silentLogger })
    await whenRedisReady(gone, 5_000)
    gone.disconnect()
    await expect(previewWriter(gone, councilId)(newId(), 1, 'analyst', 'a')).resolves.toBeUndefined()
  })
})
