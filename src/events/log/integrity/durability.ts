import type { Redis } from 'ioredis'
import { nameOf, serversOf, type RedisClient } from '../../../platform/redis/cluster.ts'
import { LogStopped } from '../log.ts'

/**
 * The meaning of an acknowledgement. `fsync`: the events are on Redis' disk. `archived`: the events are in the archive, so that Redis
 * may lose them (`everysec`, failover). `memory`: no guarantee, for development.
 */
export type Durability = 'fsync' | 'archived' | 'memory'

const required: Record<Durability, Record<string, string>> = {
  fsync: { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' },
  archived: { 'maxmemory-policy': 'noeviction' },
  memory: {},
}

/** Checks every server that may take a write. Throws LogStopped `not_durable`. */
export async function assertDurable(redis: RedisClient, durability: Durability): Promise<void> {
  await Promise.all(serversOf(redis).map((server) => assertServerDurable(server, durability)))
}

/**
 * Refuses a Redis whose settings can lose acknowledged events (measured: `everysec` loses writes on a plain kill
 * when the disk is slow). Throws LogStopped `not_durable` with the exact commands that fix it.
 */
export async function assertServerDurable(redis: Redis, durability: Durability): Promise<void> {
  const wrong: string[] = []
  const hidden: string[] = []
  for (const [name, value] of Object.entries(required[durability])) {
    const actual = await settingOf(redis, name)
    if (actual === undefined) hidden.push(name)
    else if (actual !== value) wrong.push(`${name} is ${actual}, must be ${value}: CONFIG SET ${name} ${value}`)
  }
  const fixes = wrong.length > 0 ? [`${wrong.join('; ')}; then CONFIG REWRITE`] : []
  if (hidden.length > 0)
    fixes.push(
      `${hidden.join(' and ')} cannot be seen by this user: ACL SETUSER ${await userOf(redis)} +config|get, or DURABILITY=archived`,
    )
  if (fixes.length > 0)
    throw new LogStopped(
      'not_durable',
      `the Redis ${redis.options.path ?? nameOf(redis)} would lose acknowledged events (DURABILITY=${durability}): ${fixes.join('; ')}`,
    )
}

/** Reads a setting from CONFIG, or from INFO if CONFIG is forbidden (managed Redis, ACLs); undefined if neither shows it. */
async function settingOf(redis: Redis, name: string): Promise<string | undefined> {
  try {
    const [, value] = (await redis.config('GET', name)) as [string, string] | []
    return value
  } catch (error) {
    if (!isForbidden(error)) throw error
    return settingFromInfo(await redis.info(), name)
  }
}

/** INFO does not show `appendfsync`: without CONFIG, `fsync` cannot be verified and is refused. */
function settingFromInfo(info: string, name: string): string | undefined {
  const field = (key: string) => new RegExp(`^${key}:(\\S+)`, 'm').exec(info)?.[1]
  if (name === 'appendonly') return field('aof_enabled') === '1' ? 'yes' : 'no'
  if (name === 'maxmemory-policy') return field('maxmemory_policy')
  return undefined
}

async function userOf(redis: Redis): Promise<string> {
  return redis.acl('WHOAMI').catch((error: unknown) => {
    if (isForbidden(error)) return '<user>'
    throw error
  })
}

const isForbidden = (error: unknown): boolean => /NOPERM|unknown command/i.test(String(error))
