import { expect, onTestFinished, test } from 'vitest'
import { postgresArchive } from '../../../../src/events/log/archive/archive.ts'
import { openAuditedCouncil, storyEvents } from '../../../support/audited.ts'
import { openPostgres } from '../../../support/databases.ts'
import { answeredPrompt, eventsPerPrompt } from '../../../support/history.ts'
import { testCouncil } from '../../../support/lifetimes.ts'
import { loseEverything, restoreFrom, snapshotOf } from '../../../support/lost.ts'
import { startRedisCluster } from '../../../support/redis-cluster.ts'

test('a council that a cluster node has lost is restored there and continues', async () => {
  const cluster = await startRedisCluster()
  onTestFinished(() => cluster.stop())
  const db = await openPostgres()
  onTestFinished(() => db.close())
  const audited = await openAuditedCouncil(cluster.url, db)
  const { council } = audited
  onTestFinished(council.close)
  await audited.archive()
  const { jobs: _, ...before } = await snapshotOf(council)
  await loseEverything(council)

  const restoring = () => restoreFrom(postgresArchive(db.postgres), council)
  expect(await restoring()).toMatchObject({ events: storyEvents, identity: true, derived: { jobs: 1 } })
  expect(await snapshotOf(council)).toMatchObject(before)
  expect(await restoring()).toMatchObject({ events: 0, identity: false, derived: { states: 0, jobs: 0 } })

  const restarted = await testCouncil(council.councilId, cluster.url)
  await answeredPrompt(restarted)
  expect(await restarted.events()).toHaveLength(storyEvents + eventsPerPrompt)
})
