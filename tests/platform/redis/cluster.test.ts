import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../../src/platform/logger.ts'
import { serverOf, type RedisClient } from '../../../src/platform/redis/cluster.ts'
import { connectRedis, whenRedisReady, type RedisRole } from '../../../src/platform/redis/connection.ts'
import { startRedisCluster, type ClusterNode, type RedisCluster } from '../../support/redis-cluster.ts'
import { beginSlotMove } from '../../support/slot-move.ts'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterAll(() => cluster.stop())

function open(role: RedisRole, url: string): RedisClient {
  const redis = connectRedis({ url, role, name: `test-${role}`, logger: silentLogger })
  onTestFinished(() => redis.disconnect())
  return redis
}

async function connect(role: RedisRole, url = cluster.url): Promise<RedisClient> {
  const redis = open(role, url)
  await whenRedisReady(redis, 10_000)
  return redis
}

/** A key of a slot of its own, and the node that owns it. */
async function freshKey(): Promise<{ key: string; node: ClusterNode }> {
  const key = randomUUID()
  return { key, node: await cluster.ownerOf(key) }
}

/** Repeats a command until it succeeds, at most once per turn of the event loop. */
async function whenReached(redis: RedisClient, key: string): Promise<void> {
  while ((await Promise.allSettled([redis.exists(key)]))[0].status === 'rejected')
    await new Promise((resolve) => setImmediate(resolve))
}

const anotherThan = (node: ClusterNode): ClusterNode => cluster.nodes.find((candidate) => candidate !== node) ?? node

describe('a connection for commands to a cluster', () => {
  test('reaches every node from the address of one', async () => {
    const redis = await connect('command', `${cluster.nodes[0]?.url}?cluster`)
    for (const node of cluster.nodes) {
      let own = await freshKey()
      while (own.node !== node) own = await freshKey()
      await redis.set(own.key, 'value')
      expect(await node.redis.get(own.key)).toBe('value')
      expect((await serverOf(redis, own.key)).options.port).toBe(node.port)
    }
  })

  test('is ready at the first try', async () => {
    for (let i = 0; i < 20; i++) {
      const redis = open('command', `${cluster.nodes[0]?.url}?cluster`)
      let triedAgain = false
      redis.on('reconnecting', () => (triedAgain = true))
      await whenRedisReady(redis, 10_000)
      expect(triedAgain).toBe(false)
    }
  })

  test('finds a key during and after the move of its slot', async () => {
    const redis = await connect('command')
    const { key, node } = await freshKey()
    await redis.set(key, 'value')
    const move = await beginSlotMove(cluster, key, anotherThan(node))
    await move.moveOne()
    expect(await redis.get(key)).toBe('value')
    await move.finish()
    expect(await redis.get(key)).toBe('value')
    expect((await serverOf(redis, key)).options.port).toBe(move.to.port)
  })

  test('rejects a command in flight when the connection breaks, and never resends it', async () => {
    const redis = await connect('command')
    const { key, node } = await freshKey()
    // The node holds writes back, so its connection is cut when the command has arrived and not run.
    await node.redis.call('CLIENT', 'PAUSE', '60000', 'WRITE')
    const failed = expect(redis.incr(key)).rejects.toThrow('Connection is closed')
    const id = /id=(\d+)\b[^\n]* cmd=incr/
    let list = ''
    while (!id.test(list)) list = String(await node.redis.client('LIST'))
    await node.redis.call('CLIENT', 'KILL', 'ID', String(id.exec(list)?.[1]))
    await failed
    await node.redis.call('CLIENT', 'UNPAUSE')
    await whenReached(redis, key)
    expect(await redis.get(key)).toBeNull()
  })

  test('rejects commands at once while the node of a key is down, and works again after its restart', async () => {
    const redis = await connect('command')
    const { key, node } = await freshKey()
    await node.kill()
    await expect(redis.set(key, 'value')).rejects.toThrow(/Connection is closed|Redis is not reachable at/)
    await node.start()
    await whenReached(redis, key)
    await redis.set(key, 'value')
    expect(await node.redis.get(key)).toBe('value')
  })
})

test('a blocking reader of a cluster follows its stream to another node', async () => {
  const reader = await connect('blocking')
  const writer = await connect('command')
  const { key, node } = await freshKey()
  await writer.xadd(key, '1-1', 'event', 'before')
  expect(await reader.xread('BLOCK', 60_000, 'STREAMS', key, '0')).toEqual([[key, [['1-1', ['event', 'before']]]]])
  const read = reader.xread('BLOCK', 60_000, 'STREAMS', key, '1-1')
  while (!/cmd=xread/.test(String(await node.redis.client('LIST'))));
  const move = await beginSlotMove(cluster, key, anotherThan(node))
  await move.finish()
  await writer.xadd(key, '1-2', 'event', 'after')
  expect(await read).toEqual([[key, [['1-2', ['event', 'after']]]]])
})

test('the wait for a cluster that does not exist is bounded', async () => {
  const redis = open('command', 'redis://127.0.0.1:1,redis://127.0.0.1:2')
  await expect(whenRedisReady(redis, 200)).rejects.toMatchObject({ code: 'redis_unreachable' })
})

test('an invalid address is refused', () => {
  expect(() => open('command', 'redis://a,http://b')).toThrow('not an address')
})
