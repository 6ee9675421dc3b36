import { setTimeout as pause } from 'node:timers/promises'
import { createGate, type CommandGate } from '../../commands/gate/gate.ts'
import { postgresArchive, type Archive } from '../../events/log/archive/archive.ts'
import { archivedAppends } from '../../events/log/archive/archived-appends.ts'
import type { LogIdentity } from '../../events/log/archive/chain.ts'
import { assertCrashSafe } from '../../events/log/archive/crash-safe.ts'
import { archiveProgress, type ArchiveProgress } from '../../events/log/archive/progress.ts'
import { logKeys, type LogKeys } from '../../events/log/keys.ts'
import type { EventMacs } from '../../events/log/integrity/mac.ts'
import { watchMemory } from '../../events/log/append/memory-watch.ts'
import { openLog } from '../../events/log/open.ts'
import { redisLog, type RedisLog } from '../../events/log/redis-log.ts'
import { storedLog, type StoredLog } from '../../events/log/read/stored-log.ts'
import { startTail, type LogTail } from '../../events/log/read/tail.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import { systemClock } from '../../platform/clock.ts'
import type { Config } from '../../platform/config/config.ts'
import { newUuid7 } from '../../platform/ids.ts'
import type { Logger } from '../../platform/logger.ts'
import { serverOf } from '../../platform/redis/cluster.ts'
import { migrate } from '../../projections/engine/migrate.ts'
import type { Closing } from './closing.ts'
import { macKeys } from './mac-keys.ts'
import type { Stores } from './stores.ts'

export const newId = (): Uuid7 => newUuid7() as Uuid7

/** The dependencies of archiving. */
export type Archiving = {
  identity: LogIdentity
  archive: Archive
  progress: ArchiveProgress
  macs: EventMacs
  stored: StoredLog
}

/** The parts that all roles of a process share: the log, its gate, one tail of it, and its archive. */
export type Core = { keys: LogKeys; log: RedisLog; gate: CommandGate; tail: LogTail; archiving: Archiving }

/**
 * Opens the council's log, in Redis and in the archive. Throws LogStopped if Redis could lose acknowledged events, has fewer events
 * than the archive, or has another log; throws ProjectionError `migration_failed`.
 */
export async function openCore(
  config: Pick<Config, 'council' | 'stores' | 'log'>,
  stores: Stores,
  closing: Closing,
  logger: Logger,
): Promise<Core> {
  const councilId = config.council.id
  const keys = logKeys(councilId)
  const { durability } = config.log
  const macs = macKeys(config)
  const { redis, postgres } = stores
  if (durability === 'archived')
    await assertCrashSafe(postgres, { isEmbedded: config.stores.databaseUrl === undefined })
  await migrate(postgres)
  const archive = postgresArchive(postgres)
  const progress = archiveProgress(archive)
  const incarnation = await openLog(redis, keys, {
    durability,
    macs,
    newIncarnation: newId(),
    archived: { councilId, archive },
  })
  const known = { incarnation, sequence: 0 }
  const reading = { redis, openBlocking: () => stores.connect('durable', 'blocking', 'follow'), keys, archive }
  const log = archivedAppends(redisLog({ ...reading, incarnation, durability, macs, known }), {
    redis,
    known,
    archive,
    progress,
    durability,
  })
  const memory = await watchMemory(
    { info: async (section) => (await serverOf(stores.redis, keys.log)).info(section) },
    logger,
  )
  closing.defer(memory.stop, 'the memory watch')
  const tail = startTail(log, await log.head())
  closing.defer(tail.stop, 'the tail of the log')
  const gate = createGate({
    log,
    clock: systemClock,
    newId,
    pause: (ms) => pause(ms),
    isNearlyFull: memory.isNearlyFull,
    logger,
  })
  return {
    keys,
    log,
    gate,
    tail,
    archiving: { identity: { councilId, incarnation }, archive, progress, macs, stored: storedLog(reading) },
  }
}
