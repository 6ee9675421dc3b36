import { setTimeout as pause } from 'node:timers/promises'
import { createGate, type CommandGate } from '../../src/commands/gate/gate.ts'
import type { CommandContext } from '../../src/commands/gate/types.ts'
import { type Uuid7, Principal } from '../../src/events/identifiers.ts'
import { logKeys, type LogKeys } from '../../src/events/log/keys.ts'
import { redisLog, type RedisLog } from '../../src/events/log/redis-log.ts'
import { eventMacs } from '../../src/events/log/integrity/mac.ts'
import { openLog } from '../../src/events/log/open.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { newUuid7 } from '../../src/platform/ids.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectRedis, whenRedisReady } from '../../src/platform/redis/connection.ts'

export const newId = (): Uuid7 => newUuid7() as Uuid7

export const benchMacs = eventMacs([Buffer.alloc(32, 'bench')])
const maxStartMs = 120_000

/** A council's log and its gate, composed as in production. */
export type BenchCouncil = {
  keys: LogKeys
  redis: ReturnType<typeof connectRedis>
  log: RedisLog
  gate: CommandGate
  close: () => void
}

export async function openBenchCouncil(redisUrl: string, councilId: string): Promise<BenchCouncil> {
  const connect = (role: 'command' | 'blocking') =>
    connectRedis({ url: redisUrl, role, name: 'bench', logger: silentLogger, commandTimeoutMs: 30_000 })
  const redis = connect('command')
  await whenRedisReady(redis, maxStartMs)
  const keys = logKeys(councilId)
  const incarnation = await openLog(redis, keys, { durability: 'fsync', macs: benchMacs, newIncarnation: newUuid7() })
  const log = redisLog({
    redis,
    openBlocking: () => connect('blocking'),
    keys,
    incarnation,
    durability: 'fsync',
    macs: benchMacs,
  })
  const gate = createGate({ log, clock: systemClock, newId: newUuid7, pause: (ms) => pause(ms), logger: silentLogger })
  return { keys, redis, log, gate, close: () => redis.disconnect() }
}

/** A context with every optional field. */
export const fullContext = (commandId: Uuid7): CommandContext => ({
  commandId,
  principal: Principal.parse('bench'),
  requestId: commandId,
  correlationId: commandId,
  causationId: commandId,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
})
