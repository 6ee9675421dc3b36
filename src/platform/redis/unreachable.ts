import type { Command } from 'ioredis'
import { PlatformError } from '../platform-error.ts'
import { parseRedisAddress } from './address.ts'
import type { RedisClient } from './cluster.ts'

/** ioredis' messages for a command that was not sent because there is no connection. */
const notSent = /^(Stream|Cluster) isn't (writeable|ready) and enableOfflineQueue options is false$/

const addresses = new WeakMap<RedisClient, string>()

/** An address as messages show it, without user and password. */
function shownAddress(url: string): string {
  const address = parseRedisAddress(url)
  if (address?.kind === 'cluster') return address.nodes.map(({ host, port }) => `${host}:${port}`).join(', ')
  const parsed = URL.parse(url)
  if (!parsed) return 'an unknown address'
  return parsed.protocol === 'unix:'
    ? decodeURIComponent(parsed.pathname)
    : `${parsed.hostname}:${parsed.port || '6379'}`
}

/** The error for a connection that `explainUnsent` knows: `redis_unreachable` with its address. */
export const redisUnreachable = (redis: RedisClient, reason: string): PlatformError =>
  new PlatformError(
    'redis_unreachable',
    `Redis is not reachable at ${addresses.get(redis) ?? 'its address'}: ${reason}`,
  )

/** The method that the clients of a server and of a cluster share. */
type Sender = { sendCommand: (command: Command, ...rest: never[]) => unknown }

/**
 * Makes commands that were not sent fail with `redis_unreachable`, the address of the connection and the newest reason, instead of
 * ioredis' message about its queue. Costs nothing while there is a connection.
 */
export function explainUnsent(redis: RedisClient, url: string, lastReason: () => string): void {
  addresses.set(redis, shownAddress(url))
  const client: Sender = redis
  const send = client.sendCommand.bind(client)
  client.sendCommand = (command, ...rest) => {
    // A command in a pipeline has no `reject` of its own.
    if (redis.status !== 'ready' && typeof command.reject === 'function') {
      const { reject } = command
      command.reject = (error) =>
        reject(
          error instanceof Error && notSent.test(error.message)
            ? redisUnreachable(redis, lastReason() || 'there is no connection')
            : error,
        )
    }
    return send(command, ...rest)
  }
}
