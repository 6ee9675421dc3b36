import { expect, onTestFinished, test } from 'vitest'
import { aggregateOf } from '../../../../src/commands/registry.ts'
import { postgresArchive } from '../../../../src/events/log/archive/archive.ts'
import { restore } from '../../../../src/events/log/restore/restore.ts'
import { openAuditedCouncil } from '../../../support/audited.ts'
import { openTestCouncil } from '../../../support/council.ts'
import { databaseKinds } from '../../../support/databases.ts'
import { answeredPrompt } from '../../../support/history.ts'
import { loseEverything, snapshotOf } from '../../../support/lost.ts'
import { startRedisCluster } from '../../../support/redis-cluster.ts'

test('a council that a cluster node has lost is restored there and continues', async () => {
  const cluster = await startRedisCluster()
  onTestFinished(() => cluster.stop())
  const db = await databaseKinds[0]!.open()
  onTestFinished(() => db.close())
  const audited = await openAuditedCouncil(cluster.url, db)
  const { council } = audited
  onTestFinished(council.close)
  await audited.archive()
  const { jobs: _, ...before } = await snapshotOf(council)
  await loseEverything(council)

  const { redis, keys, councilId } = council
  const stores = { redis, keys, councilId, archive: postgresArchive(db.postgres), foldOf: aggregateOf }
  const options = { dryRun: false, onProgress: () => undefined, signal: new AbortController().signal }
  expect(await restore(stores, options)).toMatchObject({ events: 38, identity: true, derived: { jobs: 1 } })
  expect(await snapshotOf(council)).toMatchObject(before)
  expect(await restore(stores, options)).toMatchObject({ events: 0, identity: false, derived: { states: 0, jobs: 0 } })

  const restarted = await openTestCouncil(cluster.url, councilId)
  onTestFinished(restarted.close)
  await answeredPrompt(restarted)
  expect(await restarted.events()).toHaveLength(46)
})
