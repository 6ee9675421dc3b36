import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { previewWriter, readTokens, tokenWriter, type WrittenPiece } from '../../../src/agents/tokens/token-stream.ts'
import { tokenWakeups } from '../../../src/api/chat/token-wakeups.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { connectRedis, whenRedisReady } from '../../../src/platform/redis/connection.ts'
import { newId } from '../../support/council.ts'
import { freshCouncilId, redisUrl } from '../../support/shared-servers.ts'

const councilId = freshCouncilId()
const connect = (role: 'command' | 'subscriber') =>
  connectRedis({ url: redisUrl, role, name: 'test', logger: silentLogger })
let redis: ReturnType<typeof connect>
let wakeups: ReturnType<typeof tokenWakeups>
beforeAll(async () => {
  redis = connect('command')
  await whenRedisReady(redis, 5_000)
  const subscriber = connect('subscriber')
  await whenRedisReady(subscriber, 5_000)
  wakeups = tokenWakeups(subscriber, councilId)
})
afterAll(() => {
  wakeups.close()
  redis.disconnect()
})

/** The wake-ups of a new request, the first of which says that the subscription has begun. */
async function listening() {
  const requestId = newId()
  const woken: (WrittenPiece | null)[] = []
  const waiting = new Map<number, () => void>()
  const stop = wakeups.listen(requestId, (piece) => {
    woken.push(piece)
    waiting.get(woken.length)?.()
  })
  const count = (wanted: number): Promise<void> =>
    new Promise((resolve) => (woken.length >= wanted ? resolve() : void waiting.set(wanted, resolve)))
  await count(1)
  return { requestId, woken, count, stop }
}

describe('a wake-up', () => {
  test('brings the piece of the answer, and the entry that it follows', async () => {
    const { requestId, woken, count, stop } = await listening()
    const write = tokenWriter(redis, councilId)
    const pieces = ['Paris', ' is the \n capital', ' of “France” 😀 1-1 2-2 3 x']
    await write(requestId, 1, 0, '')
    let offset = 0
    for (const piece of pieces) {
      await write(requestId, 1, offset, piece)
      offset += piece.length
    }
    await count(5)
    stop()
    const [subscribed, begun, ...written] = woken
    expect([subscribed, begun]).toEqual([null, null])
    expect(written.map((piece) => piece?.text)).toEqual(pieces)
    expect(written.map((piece) => piece?.before).slice(1)).toEqual(written.map((piece) => piece?.id).slice(0, -1))
    const { lastId, endOffset, text } = await readTokens(redis, councilId, requestId, '0-0')
    expect(written.at(-1)).toMatchObject({ id: lastId, endOffset })
    expect(text).toBe(pieces.join(''))
  })

  test('has no piece for a preview, nor for a write that was repeated or refused', async () => {
    const { requestId, woken, count, stop } = await listening()
    const write = tokenWriter(redis, councilId)
    await previewWriter(redis, councilId)(requestId, 1, 'analyst', 'A draft')
    expect(await write(requestId, 2, 0, 'Paris')).toBe('written')
    expect(await write(requestId, 2, 0, 'Paris')).toBe('written')
    expect(await write(requestId, 1, 5, ' is old')).toBe('superseded')
    expect(await write(requestId, 2, 7, ' after a gap')).toBe('lost')
    expect(await write(requestId, 2, 5, '.')).toBe('written')
    await count(4)
    stop()
    expect(woken.map((piece) => piece?.text ?? null)).toEqual([null, null, 'Paris', '.'])
  })
})
