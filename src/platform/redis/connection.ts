import { Redis } from 'ioredis'
import type { Logger } from '../logger.ts'
import { messageOf } from '../platform-error.ts'
import { parseRedisAddress } from './address.ts'
import { explainUnsent, redisUnreachable } from './unreachable.ts'
import { connectCluster, mastersConnected, type ConnectionOptions, type RedisClient } from './cluster.ts'

/**
 * The purpose of a connection:
 * - `command` answers fast or fails fast: nothing waits in a queue while there is no connection, nothing is sent twice. A command
 *   that timed out or lost its connection may still have run; a writer must be able to ask again with the same id.
 * - `blocking` is one reader's own (XREAD, XREADGROUP with BLOCK). A read fails when its connection breaks, and is never resent:
 *   a stale read would take the entries of the next reader. The reader itself must notice an answer that never comes.
 * - `subscriber` receives messages and resubscribes; messages that were published while it was disconnected are lost.
 */
export type RedisRole = 'command' | 'blocking' | 'subscriber'

export type RedisConnectionOptions = {
  /** One server or a cluster; see address.ts. */
  url: string
  role: RedisRole
  /** Shown by CLIENT LIST. */
  name: string
  logger: Logger
  /** After this a command fails although Redis may still run it. Only for the role `command`. */
  commandTimeoutMs?: number
}

const connectTimeoutMs = 5_000
/** Longer than a command's limit, so that the command fails first. */
const socketGraceMs = 100

/**
 * Opens a connection that reconnects (after 50 ms, growing to 2 s) until it is closed with `quit()` or `disconnect()`. It never
 * raises an unhandled `error` event: losing a server is normal. Replies are RESP 2. Throws if the address is malformed.
 */
export function connectRedis({
  url,
  role,
  name,
  logger,
  commandTimeoutMs = 3_000,
}: RedisConnectionOptions): RedisClient {
  const options = {
    protocol: 2 as const,
    connectionName: name,
    connectTimeout: connectTimeoutMs,
    ...roleOptions(role, commandTimeoutMs),
  }
  const redis = open(url, role, options)

  let lastError = ''
  const onError = (error: unknown): void => {
    // An unreachable server fails every attempt in the same way; one line is enough.
    if (messageOf(error) === lastError) return
    lastError = messageOf(error)
    logger.warn({ connection: name, err: error }, 'redis connection failed')
  }
  redis.on('error', onError)
  redis.on('node error', onError)
  explainUnsent(redis, url, () => lastError)
  redis.on('ready', () => {
    lastError = ''
    logger.debug({ connection: name }, 'redis connection ready')
  })
  return redis
}

const reconnectAfterMs = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt - 1, 6), 2_000)

function open(url: string, role: RedisRole, options: ConnectionOptions): RedisClient {
  const address = parseRedisAddress(url)
  if (!address) throw new Error('this is not an address of a Redis')
  if (address.kind === 'cluster')
    return connectCluster({
      address,
      nodeOptions: options,
      waits: role !== 'command',
      subscribes: role === 'subscriber',
      reconnectAfterMs,
    })
  const serverOptions = { ...options, retryStrategy: reconnectAfterMs }
  return url.startsWith('unix:')
    ? new Redis({ ...serverOptions, path: decodeURIComponent(new URL(url).pathname) })
    : new Redis(url, serverOptions)
}

/**
 * Resolves when the server answers commands (its data is loaded), in a cluster every master; throws `redis_unreachable` after
 * `timeoutMs` with the reason, and at once when `abandoned` aborts: a client that is closed between two attempts reports nothing.
 */
export async function whenRedisReady(redis: RedisClient, timeoutMs: number, abandoned?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  let reason = `no answer within ${timeoutMs} ms`
  const onError = (error: unknown): void => {
    reason = messageOf(error)
  }
  const onReady = (): void => void mastersConnected(redis).then(resolve)
  const onEnd = (): void => reject(redisUnreachable(redis, `the connection was closed (${reason})`))
  const timer = setTimeout(() => reject(redisUnreachable(redis, reason)), timeoutMs)
  redis.on('error', onError).once('ready', onReady).once('end', onEnd)
  abandoned?.addEventListener('abort', onEnd)
  if (abandoned?.aborted) onEnd()
  if (redis.status === 'ready') onReady()
  try {
    await promise
  } finally {
    clearTimeout(timer)
    abandoned?.removeEventListener('abort', onEnd)
    redis.off('error', onError).off('ready', onReady).off('end', onEnd)
  }
}

function roleOptions(role: RedisRole, commandTimeoutMs: number) {
  switch (role) {
    case 'command':
      return {
        enableOfflineQueue: false,
        autoResendUnfulfilledCommands: false,
        maxRetriesPerRequest: 0,
        commandTimeout: commandTimeoutMs,
        // A silent connection is replaced; otherwise every later command would time out as well.
        socketTimeout: commandTimeoutMs + socketGraceMs,
      }
    case 'blocking':
      // No blockingTimeout: it would report a missing answer as "nothing new" and keep a half-open connection for ever.
      return { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 }
    case 'subscriber':
      return { maxRetriesPerRequest: null, autoResubscribe: true }
    default:
      return role satisfies never
  }
}
