import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { startRedis, type RedisServer } from './redis-server.ts'

const busAbove = 10_000

export type ClusterNode = RedisServer & { id: string; redis: Redis }

/** A Redis Cluster of masters without replicas, on loopback; every node keeps what it acknowledges. */
export type RedisCluster = {
  /** For `REDIS_URL`: all nodes. */
  url: string
  nodes: ClusterNode[]
  /** The node that owns the slot of a key. */
  ownerOf: (key: string) => Promise<ClusterNode>
  /** One more master, which has no slot yet. */
  addNode: (appendfsync?: 'always' | 'no') => Promise<ClusterNode>
  stop: () => Promise<void>
}

/** Resolves when every node reports a complete cluster. */
export async function startRedisCluster(size = 3): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: size }, () => startNode('always')))
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map(({ redis, stop: stopServer }) => (redis.disconnect(), stopServer())))
  }
  try {
    await promisify(execFile)('redis-cli', [
      '--cluster',
      'create',
      ...nodes.map(addressOf),
      '--cluster-replicas',
      '0',
      '--cluster-yes',
    ])
    await Promise.all(nodes.map(({ redis }) => until(redis, /cluster_state:ok/)))
  } catch (cause) {
    await stop()
    throw cause
  }

  return {
    url: nodes.map(({ url }) => url).join(','),
    nodes,
    async ownerOf(key) {
      const [any] = nodes
      if (!any) throw new Error('a cluster has a node')
      const slot = await any.redis.cluster('KEYSLOT', key)
      const ranges = await any.redis.cluster('SLOTS')
      const id = ranges.find(([first, last]) => first <= slot && slot <= last)?.[2]?.[2]
      return nodes.find((node) => node.id === id) ?? Promise.reject(new Error(`no node owns slot ${slot}`))
    },
    async addNode(appendfsync = 'always') {
      const [any] = nodes
      if (!any) throw new Error('a cluster has a node')
      const node = await startNode(appendfsync)
      nodes.push(node)
      await any.redis.cluster('MEET', '127.0.0.1', node.port)
      await Promise.all(nodes.map(({ redis }) => knowsAll(redis, nodes)))
      await until(node.redis, /cluster_state:ok/)
      return node
    },
    stop,
  }
}

const addressOf = ({ port }: RedisServer): string => `127.0.0.1:${port}`

/** Starts a node. Its bus listens 10,000 ports higher, so the start may fail although the port of the node is free. */
async function startNode(appendfsync: 'always' | 'no', triesLeft = 5): Promise<ClusterNode> {
  try {
    const server = await startRedis({ appendfsync, cluster: true })
    const redis = new Redis(server.url)
    return { ...server, redis, id: await redis.cluster('MYID') }
  } catch (cause) {
    if (triesLeft === 0)
      throw new Error(`no node of a cluster could be started; is every port + ${busAbove} taken?`, { cause })
    return startNode(appendfsync, triesLeft - 1)
  }
}

/** Resolves when a node has shaken hands with all others. */
async function knowsAll(redis: Redis, nodes: readonly ClusterNode[]): Promise<void> {
  const lines = nodes.map(({ id }) => new RegExp(`^${id} \\S+ (myself,)?master `, 'm'))
  let known = ''
  while (!lines.every((line) => line.test(known))) known = String(await redis.cluster('NODES'))
}

async function until(redis: Redis, pattern: RegExp): Promise<void> {
  while (!pattern.test(await redis.cluster('INFO')));
}
