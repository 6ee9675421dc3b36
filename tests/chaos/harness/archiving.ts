import { isAppendOnly } from '../../../src/commands/registry.ts'
import { postgresArchive, type Archive } from '../../../src/events/log/archive/archive.ts'
import { startArchiver, type Archiver } from '../../../src/events/log/archive/archiver.ts'
import type { LogIdentity } from '../../../src/events/log/archive/chain.ts'
import { archiveProgress } from '../../../src/events/log/archive/progress.ts'
import { hotLog } from '../../../src/events/log/read/hot-log.ts'
import { storedLog, type StoredLog } from '../../../src/events/log/read/stored-log.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import type { Postgres } from '../../../src/platform/postgres/postgres.ts'
import { connectRedis } from '../../../src/platform/redis/connection.ts'
import { migrate } from '../../../src/projections/engine/migrate.ts'
import { testMacs, type TestCouncil } from '../../support/council.ts'

/** Whose log it is, as it says itself. */
export const identityOf = async ({ councilId, redis, keys }: TestCouncil): Promise<LogIdentity> => ({
  councilId,
  incarnation: (await redis.hget(keys.meta, 'incarnation')) ?? '',
})

/** The log as it was written. */
export const storedLogOf = ({ redis, keys }: TestCouncil, redisUrl: string): StoredLog =>
  storedLog({
    redis,
    openBlocking: () => connectRedis({ url: redisUrl, role: 'blocking', name: 'chaos-archiver', logger: silentLogger }),
    keys,
  })

/** Copies a council's log to its archive, as the archiver's role does it, but for seals and trimming. */
export async function startArchiving(
  council: TestCouncil,
  redisUrl: string,
  database: Postgres<unknown>,
): Promise<{ archiver: Archiver; archive: Archive }> {
  await migrate(database)
  const archive = postgresArchive(database)
  const archiver = startArchiver({
    hot: hotLog(council.redis, council.keys),
    follow: storedLogOf(council, redisUrl).followHotLog,
    archive,
    progress: archiveProgress(archive),
    authentication: { identity: await identityOf(council), macs: testMacs, isAppendOnly },
    logger: silentLogger,
  })
  return { archiver, archive }
}
