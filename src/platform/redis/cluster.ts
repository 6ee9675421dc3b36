import { Cluster, type Redis, type RedisOptions } from 'ioredis'
import { PlatformError } from '../platform-error.ts'
import type { ClusterAddress } from './address.ts'

/** One server or a cluster: code that only sends key commands need not know which. */
export type RedisClient = Redis | Cluster

/** The options of a connection to one server, without the mapping of replies, which would change the type of the client. */
export type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>

export type ClusterConnectionOptions = {
  address: ClusterAddress
  /** The options of the connection to each node. */
  nodeOptions: ConnectionOptions
  /** Whether commands wait for a connection, or fail at once without one. */
  waits: boolean
  /** Sharded pub/sub: one more connection to each node. */
  subscribes: boolean
  reconnectAfterMs: (attempt: number) => number
}

/**
 * Connects to a Redis Cluster. Commands that a node refused to run (MOVED, ASK, TRYAGAIN, CLUSTERDOWN) are resent, at most 16 times.
 * Commands that were in flight on a broken connection are not: they may have run. The next command looks for a lost node again.
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
    // A certificate names a host, not the address that the name resolves to.
    ...(tls && { dnsLookup: (name: string, found: (error: null, address: string) => void) => found(null, name) }),
  })
  if (!waits) connectBeforehand(cluster)
  return cluster
}

/**
 * ioredis connects to a node with the first command for it. A client without a queue is connected before its first command, but only
 * when the cluster is known to be complete: without a queue, ioredis 6.0.0 fails its own completeness check if that goes to a node
 * that is still connecting, and starts again.
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

/** The servers that can accept a write now: the single server, or the masters that this client is connected to. */
export function serversOf(redis: RedisClient): Redis[] {
  return redis instanceof Cluster ? redis.nodes('master').filter(({ status }) => status === 'ready') : [redis]
}

/** Resolves when no master is still connecting; at once for a single server. */
export async function mastersConnected(redis: RedisClient): Promise<void> {
  const connecting =
    redis instanceof Cluster
      ? redis.nodes('master').filter(({ status }) => !['wait', 'ready', 'end'].includes(status))
      : []
  await Promise.all(
    connecting.map((node) => new Promise<unknown>((resolve) => node.once('ready', resolve).once('end', resolve))),
  )
}

/** The server that holds a key: the single server, or the node that owns the key's slot. Throws PlatformError `redis_unreachable`. */
export async function serverOf(redis: RedisClient, key: string): Promise<Redis> {
  if (!(redis instanceof Cluster)) return redis
  // A command on the key updates the client's slot map.
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
