import { setTimeout as pause } from 'node:timers/promises'
import { v7 } from 'uuid'
import type { CommandDefinition, ReadSet } from '../../src/commands/decider.ts'
import type { CommandResult } from '../../src/commands/gate/types.ts'
import { createGate, type CommandGate, type GateDependencies } from '../../src/commands/gate/gate.ts'
import { Uuid7, Principal } from '../../src/events/identifiers.ts'
import { logKeys, type LogKeys } from '../../src/events/log/keys.ts'
import { eventMacs } from '../../src/events/log/integrity/mac.ts'
import { openLog } from '../../src/events/log/open.ts'
import { redisLog, type RedisLog } from '../../src/events/log/redis-log.ts'
import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { systemClock, type Clock } from '../../src/platform/clock.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectRedis, whenRedisReady } from '../../src/platform/redis/connection.ts'

export const newId = (): Uuid7 => Uuid7.parse(v7())

/** A new id made at this time. */
export const idAt = (ms: number): Uuid7 => Uuid7.parse(v7({ msecs: ms }))

/** The MAC key of all test processes. */
export const testMacKey = Buffer.alloc(32, 'test')
export const testMacs = eventMacs([testMacKey])

/** One process of a council: a log on a real Redis and a gate. */
export type TestCouncil = {
  councilId: string
  keys: LogKeys
  redis: ReturnType<typeof connectRedis>
  log: RedisLog
  gate: CommandGate
  /** Executes a command, under a new id by default. */
  execute: <C, Reads extends ReadSet>(
    definition: CommandDefinition<C, Reads>,
    input: NoInfer<C>,
    commandId?: Uuid7,
  ) => Promise<CommandResult>
  /** All events of the log. */
  events: () => Promise<AnyRecordedEvent[]>
  close: () => void
}

/** Opens one process of a council; call it twice with one council id for two processes. */
export async function openTestCouncil(
  redisUrl: string,
  councilId: string,
  { clock = systemClock, minPipelined }: { clock?: Clock } & Pick<GateDependencies, 'minPipelined'> = {},
): Promise<TestCouncil> {
  const redis = connectRedis({ url: redisUrl, role: 'command', name: 'test', logger: silentLogger })
  await whenRedisReady(redis, 5_000)
  const keys = logKeys(councilId)
  const incarnation = await openLog(redis, keys, { durability: 'fsync', macs: testMacs, newIncarnation: newId() })
  const openBlocking = () =>
    connectRedis({ url: redisUrl, role: 'blocking', name: 'test-follow', logger: silentLogger })
  const log = redisLog({ redis, openBlocking, keys, incarnation, durability: 'fsync', macs: testMacs })
  const gate = createGate({ log, clock, newId, pause: (ms) => pause(ms), logger: silentLogger, minPipelined })
  return {
    councilId,
    keys,
    redis,
    log,
    gate,
    execute: (definition, input, commandId = newId()) =>
      gate.execute(definition, input, { commandId, principal: Principal.parse('tester') }),
    async events() {
      const all: AnyRecordedEvent[] = []
      for await (const page of log.read()) all.push(...page)
      return all
    },
    close: () => redis.disconnect(),
  }
}
