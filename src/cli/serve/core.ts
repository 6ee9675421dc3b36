import { setTimeout as pause } from 'node:timers/promises'
import { createGate, type CommandGate } from '../../commands/gate.ts'
import { logKeys, type LogKeys } from '../../events/log/keys.ts'
import type { EventLog } from '../../events/log/log.ts'
import { watchMemory } from '../../events/log/memory.ts'
import { openLog } from '../../events/log/open.ts'
import { redisLog } from '../../events/log/redis-log.ts'
import { startTail, type LogTail } from '../../events/log/tail.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import { systemClock } from '../../platform/clock.ts'
import type { Config } from '../../platform/config.ts'
import { newUuid7 } from '../../platform/ids.ts'
import type { Logger } from '../../platform/logger.ts'
import { serverOf } from '../../platform/redis-cluster.ts'
import { macKeys } from './mac-keys.ts'
import type { Stores } from './stores.ts'

export const newId = (): Uuid7 => newUuid7() as Uuid7

/** What every role of a process works on: the log, the gate before it, and one tail behind it. */
export type Core = { keys: LogKeys; log: EventLog; gate: CommandGate; tail: LogTail }

/** Opens the council's log. Throws LogStopped when this Redis would lose it, or holds something else. */
export async function openCore(config: Config, stores: Stores, closing: AsyncDisposableStack, logger: Logger): Promise<Core> {
  const keys = logKeys(config.councilId)
  const { durability } = config
  const macs = macKeys(config)
  const incarnation = await openLog(stores.redis, keys, { durability, macs, newIncarnation: newId() })
  const log = redisLog({ redis: stores.redis, openBlocking: () => stores.connect('durable', 'blocking', 'follow'), keys, incarnation, durability, macs })
  const memory = await watchMemory({ info: async (section) => (await serverOf(stores.redis, keys.log)).info(section) }, logger)
  closing.defer(memory.stop)
  const tail = startTail(log, await log.head())
  closing.defer(tail.stop)
  const gate = createGate({ log, clock: systemClock, newId, pause: (ms) => pause(ms), isNearlyFull: memory.isNearlyFull, logger })
  return { keys, log, gate, tail }
}
