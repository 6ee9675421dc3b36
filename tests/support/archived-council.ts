import { onTestFinished } from 'vitest'
import { isAppendOnly } from '../../src/commands/registry.ts'
import { postgresArchive, type Archive } from '../../src/events/log/archive/archive.ts'
import { startArchiver, type Archiver, type ArchiverDependencies } from '../../src/events/log/archive/archiver.ts'
import { archiveProgress, type ArchiveProgress } from '../../src/events/log/archive/progress.ts'
import { hotLog } from '../../src/events/log/read/hot-log.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { migrate } from '../../src/projections/engine/migrate.ts'
import { testMacs, type TestCouncil } from './council.ts'
import type { TestDatabase } from './databases.ts'
import { testCouncil } from './lifetimes.ts'
import { identityOf, storedLogOf } from './stored-log.ts'

const waitMs = 15_000

/** An archiver that is stopped when the test ends, however it ends. */
export async function archive(
  council: TestCouncil,
  redisUrl: string,
  database: Pick<TestDatabase, 'postgres'>,
  part: Partial<ArchiverDependencies> = {},
): Promise<Archiver & { progress: ArchiveProgress }> {
  const postgres = postgresArchive(database.postgres)
  const progress = archiveProgress(postgres)
  const archiver = startArchiver({
    hot: hotLog(council.redis, council.keys),
    follow: storedLogOf(council, redisUrl).followHotLog,
    archive: postgres,
    progress,
    authentication: { identity: await identityOf(council), macs: testMacs, isAppendOnly },
    logger: silentLogger,
    ...part,
  })
  onTestFinished(archiver.stop)
  return { ...archiver, progress }
}

/** A new council for the current test, with an empty archive in this database. */
export async function councilWithArchive(db: TestDatabase): Promise<{ council: TestCouncil; stored: Archive }> {
  await db.empty()
  await migrate(db.postgres)
  return { council: await testCouncil(), stored: postgresArchive(db.postgres) }
}

/** Archives everything that is in the log now. */
export async function archiveLog(council: TestCouncil, redisUrl: string, database: TestDatabase): Promise<void> {
  const archiver = await archive(council, redisUrl, database)
  await allArchived(archiver, council)
  await archiver.stop()
}

/** Resolves when everything that is in the log now is archived. */
export async function allArchived(archiver: Archiver, council: TestCouncil): Promise<void> {
  const outcome = await archiver.waitFor(await council.log.head(), AbortSignal.timeout(waitMs))
  if (outcome !== 'reached')
    throw new Error(`the archiver did not get there (${outcome}): ${JSON.stringify(archiver.status())}`)
}
