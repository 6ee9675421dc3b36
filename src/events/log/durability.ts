import type { Redis } from 'ioredis'
import { LogStopped } from './log.ts'

/**
 * What an acknowledgement means. `fsync`: on disk before the answer. `memory`: development, nothing is promised.
 */
export type Durability = 'fsync' | 'memory'

const required = {
  appendonly: { value: 'yes', fix: 'CONFIG SET appendonly yes' },
  appendfsync: { value: 'always', fix: 'CONFIG SET appendfsync always' },
  'maxmemory-policy': { value: 'noeviction', fix: 'CONFIG SET maxmemory-policy noeviction' },
} as const

/**
 * Refuses a Redis whose settings would lose acknowledged events (measured: `everysec` loses writes on a plain kill
 * when the disk is slow). Throws LogStopped `not_durable` with the exact commands that put it right.
 */
export async function assertDurable(redis: Redis, durability: Durability): Promise<void> {
  if (durability === 'memory') return
  const wrong: string[] = []
  for (const [name, { value, fix }] of Object.entries(required)) {
    const [, actual] = (await redis.config('GET', name)) as [string, string] | []
    if (actual !== value) wrong.push(`${name} is ${actual ?? 'unknown'}, must be ${value}: ${fix}`)
  }
  if (wrong.length > 0) throw new LogStopped('not_durable', `this Redis would lose acknowledged events (DURABILITY=fsync): ${wrong.join('; ')}; then CONFIG REWRITE`)
}
