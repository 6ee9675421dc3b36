import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
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

const opened: RedisClient[] = []
afterEach(() => {
  for (const redis of opened.splice(0)) redis.disconnect()
})

async function connect(role: RedisRole, url = cluster.url): Promise<RedisClient> {
  const redis = connectRedis({ url, role, name: `test-${role}`, logger: silentLogger })
  opened.push(redis)
  await whenRedisReady(redis, 10_000)
  return redis
}

/** A key of a slot of its own, and the node that has it. */
async function freshKey(): Promise<{ key: string; node: ClusterNode }> {
  const key = randomUUID()
  return { key, node: await cluster.ownerOf(key) }
}

/** A command that is refused at once gives the connection no time to come back: each try waits for a turn of the event loop. */
async function whenReached(redis: RedisClient, key: string): Promise<void> {
  while (
    !(await redis.exists(key).then(
      () => true,
      () => false,
    ))
  )
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

  test('is there at the first try', async () => {
    for (let i = 0; i < 20; i++) {
      const redis = connectRedis({
        url: `${cluster.nodes[0]?.url}?cluster`,
        role: 'command',
        name: 'test',
        logger: silentLogger,
      })
      opened.push(redis)
      let triedAgain = false
      redis.on('reconnecting', () => (triedAgain = true))
      await whenRedisReady(redis, 10_000)
      expect(triedAgain).toBe(false)
    }
  })

  test('finds a key whose slot is moving and has moved', async () => {
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

  test('fails what was in flight when the connection broke, and never sends it again', async () => {
    const redis = await connect('command')
    const { key, node } = await freshKey()
    // The node holds writes back: the command is with it, and has not run, when its connection is cut.
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

  test('refuses at once while the node of a key is away, and works again when it is back', async () => {
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

test('a cluster that is not there is not waited for longer than asked', async () => {
  const redis = connectRedis({
    url: 'redis://127.0.0.1:1,redis://127.0.0.1:2',
    role: 'command',
    name: 'test',
    logger: silentLogger,
  })
  opened.push(redis)
  await expect(whenRedisReady(redis, 200)).rejects.toMatchObject({ code: 'redis_unreachable' })
})

test('an address that is none is refused', () => {
  expect(() =>
    connectRedis({ url: 'redis://a,http://b', role: 'command', name: 'test', logger: silentLogger }),
  ).toThrow('not an address')
})
