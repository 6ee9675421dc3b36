import { Cluster, type Redis, type RedisOptions } from 'ioredis'
import { PlatformError } from '../platform-error.ts'
import type { ClusterAddress } from './address.ts'

/** One server or a cluster: whoever only sends commands about keys need not know which. */
export type RedisClient = Redis | Cluster

/** Of one connection to one server. The mapping of replies is left as it is, and belongs to the type of the client. */
export type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>

export type ClusterConnectionOptions = {
  address: ClusterAddress
  /** Of the connection to each node. */
  nodeOptions: ConnectionOptions
  /** Whether commands wait for a connection, or fail at once without one. */
  waits: boolean
  /** Sharded pub/sub: one more connection to each node. */
  subscribes: boolean
  reconnectAfterMs: (attempt: number) => number
}

/**
 * Connects to a Redis Cluster. What a node refused to run (MOVED, ASK, TRYAGAIN, CLUSTERDOWN) is sent again, at most 16 times. What
 * was in flight on a connection that broke is not: it may have run. A node that is lost is looked for again with the next command.
 */
export function connectCluster({
  address,
  nodeOptions,
  waits,
  subscribes,
  reconnectAfterMs,
}: ClusterConnectionOptions): Cluster {
  const { nodes, tls, username, password } = address
  const cluster = new Cluster(nodes, {
    redisOptions: {
      ...nodeOptions,
      ...(username && { username }),
      ...(password && { password }),
      ...(tls && { tls: {} }),
    },
    enableOfflineQueue: waits,
    clusterRetryStrategy: reconnectAfterMs,
    retryDelayOnFailover: 0,
    slotsRefreshTimeout: nodeOptions.connectTimeout ?? 1_000,
    shardedSubscribers: subscribes,
    // A certificate is for a name, not for the address that it resolves to.
    ...(tls && { dnsLookup: (name: string, found: (error: null, address: string) => void) => found(null, name) }),
  })
  if (!waits) connectBeforehand(cluster)
  return cluster
}

/**
 * ioredis connects to a node with the first command for it. Whoever does not wait is connected before there is one, but not before
 * the cluster is known to be whole: without a queue ioredis 6.0.0 fails its own question whether it is, where that goes to a node
 * whose connection is still being made, and begins anew.
 */
function connectBeforehand(cluster: Cluster): void {
  const connect = (node: Redis): void => {
    if (node.status === 'wait') node.connect().catch(() => undefined)
  }
  cluster.on('ready', () => cluster.nodes().forEach(connect))
  cluster.on('+node', (node: Redis) => {
    if (cluster.status === 'ready') connect(node)
  })
}

/** The servers that may take a write now: the one there is, or the masters that this client is connected to. */
export function serversOf(redis: RedisClient): Redis[] {
  return redis instanceof Cluster ? redis.nodes('master').filter(({ status }) => status === 'ready') : [redis]
}

/** Resolves when no connection to a master is still being made. At once where there is one server. */
export async function mastersConnected(redis: RedisClient): Promise<void> {
  const connecting =
    redis instanceof Cluster
      ? redis.nodes('master').filter(({ status }) => !['wait', 'ready', 'end'].includes(status))
      : []
  await Promise.all(
    connecting.map((node) => new Promise<unknown>((resolve) => node.once('ready', resolve).once('end', resolve))),
  )
}

/** The server that holds a key: the one there is, or the node that owns the key's slot. Throws PlatformError `redis_unreachable`. */
export async function serverOf(redis: RedisClient, key: string): Promise<Redis> {
  if (!(redis instanceof Cluster)) return redis
  // Asking for the key corrects what this client knows of its slot.
  const [slot] = await Promise.all([redis.cluster('KEYSLOT', key), redis.exists(key)])
  const owner = redis.slots[slot]?.[0]
  const node = redis.nodes('master').find((candidate) => nameOf(candidate) === owner)
  if (!node)
    throw new PlatformError(
      'redis_unreachable',
      `Redis is not reachable: no connection to ${owner ?? 'any node'} for slot ${slot}`,
    )
  return node
}

/** `host:port`, as a cluster names its nodes. */
export const nameOf = ({ options }: Redis): string => `${options.host}:${options.port}`
