import { isAppendOnly } from '../../../src/commands/registry.ts'
import { postgresArchive, type Archive } from '../../../src/events/log/archive/archive.ts'
import { startArchiver, type Archiver } from '../../../src/events/log/archive/archiver.ts'
import { archiveProgress } from '../../../src/events/log/archive/progress.ts'
import { hotLog } from '../../../src/events/log/read/hot-log.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import type { Postgres } from '../../../src/platform/postgres/postgres.ts'
import { migrate } from '../../../src/projections/engine/migrate.ts'
import { testMacs, type TestCouncil } from '../../support/council.ts'
import { identityOf, storedLogOf } from '../../support/stored-log.ts'

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
