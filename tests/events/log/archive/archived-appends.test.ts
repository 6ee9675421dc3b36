import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { SubmitPrompt } from '../../../../src/commands/chat/submit-prompt.ts'
import { createGate, type CommandGate } from '../../../../src/commands/gate/gate.ts'
import { postgresArchive, type Archive } from '../../../../src/events/log/archive/archive.ts'
import { archivedAppends } from '../../../../src/events/log/archive/archived-appends.ts'
import { archiveProgress, type ArchiveProgress } from '../../../../src/events/log/archive/progress.ts'
import type { Durability } from '../../../../src/events/log/integrity/durability.ts'
import { openLog } from '../../../../src/events/log/open.ts'
import { redisLog } from '../../../../src/events/log/redis-log.ts'
import { systemClock } from '../../../../src/platform/clock.ts'
import { silentLogger } from '../../../../src/platform/logger.ts'
import { connectPostgres } from '../../../../src/platform/postgres/postgres.ts'
import { migrate } from '../../../../src/projections/engine/migrate.ts'
import { allArchived, archive, identityOf } from '../../../support/archived-council.ts'
import { newId, openTestCouncil, testMacs, type TestCouncil } from '../../../support/council.ts'
import { openPostgres, type TestDatabase } from '../../../support/databases.ts'
import { answeredPrompt } from '../../../support/history.ts'
import { freshCouncilId, redisUrl } from '../../../support/shared-servers.ts'

let db: TestDatabase
let postgres: TestDatabase['postgres']
let stored: Archive
let council: TestCouncil
beforeAll(async () => {
  db = await openPostgres()
  postgres = db.postgres
})
afterAll(() => db.close())
beforeEach(async () => {
  await db.empty()
  await migrate(postgres)
  stored = postgresArchive(postgres)
  council = await openTestCouncil(redisUrl, freshCouncilId())
  onTestFinished(council.close)
})

/** A process that acknowledges archived events only; its archiver runs elsewhere, or not at all. */
async function gateOver(
  durability: Durability,
  part: { progress?: ArchiveProgress; archivedWithinMs?: number } = {},
): Promise<CommandGate> {
  const { incarnation } = await identityOf(council)
  const known = { incarnation, sequence: 0 }
  const { redis, keys } = council
  const inner = redisLog({
    redis,
    openBlocking: () => redis,
    keys,
    incarnation,
    durability,
    macs: testMacs,
    known,
    archive: stored,
  })
  const log = archivedAppends(inner, {
    redis,
    known,
    archive: stored,
    progress: archiveProgress(stored),
    durability,
    ...part,
  })
  let nowMs = systemClock.nowMs()
  // Every backoff of the gate reaches its deadline.
  const pause = (): Promise<void> => Promise.resolve(void (nowMs += 60_000))
  return createGate({ log, clock: { nowMs: () => nowMs }, newId, pause, logger: silentLogger })
}

const submit = (gate: CommandGate, requestId = newId()) =>
  gate.execute(SubmitPrompt, { requestId, text: 'Why?' }, { commandId: requestId, principal: 'tester' })

describe('with DURABILITY=archived a command', () => {
  test('is acknowledged once any archiver has archived it', async () => {
    await archive(council, redisUrl, { postgres })
    const result = await submit(await gateOver('archived'))
    expect(result).toMatchObject({ result: 'appended' })
    expect((await stored.checkpoint())?.position).toBe('position' in result ? result.position : '')
  })

  test('has an unknown outcome until it is archived, and is a duplicate afterwards', async () => {
    const gate = await gateOver('archived', { archivedWithinMs: 50 })
    const requestId = newId()
    expect(await submit(gate, requestId)).toMatchObject({ result: 'rejected', code: 'outcome_unknown' })
    expect(await submit(gate, requestId)).toMatchObject({ result: 'rejected', code: 'outcome_unknown' })
    await allArchived(await archive(council, redisUrl, { postgres }), council)
    expect(await submit(gate, requestId)).toMatchObject({ result: 'duplicate' })
    expect(await council.events()).toHaveLength(1)
  })

  test('is not written to a Redis that lacks archived events of another process', async () => {
    const archiver = await archive(council, redisUrl, { postgres })
    const gate = await gateOver('archived')
    await answeredPrompt(council)
    await allArchived(archiver, council)
    // A failover to a replica leaves a slightly older copy of the log.
    await council.redis.xdel(council.keys.log, await council.log.head())
    await council.redis.hset(council.keys.meta, 'sequence', 7)
    expect(await submit(gate)).toMatchObject({
      result: 'rejected',
      code: 'log_stopped',
      message: expect.stringContaining('bin/council restore'),
    })
    expect(await council.redis.xlen(council.keys.log)).toBe(7)
  })
})

test('with DURABILITY=fsync a command does not wait for the archive', async () => {
  const gate = await gateOver('fsync', { archivedWithinMs: 0 })
  expect(await submit(gate)).toMatchObject({ result: 'appended' })
})

test('with DURABILITY=fsync a command needs no Postgres', async () => {
  const away = connectPostgres<unknown>({
    url: 'postgres://nobody@127.0.0.1:1/none',
    maxConnections: 1,
    logger: silentLogger,
  })
  onTestFinished(() => away.close())
  stored = postgresArchive(away)
  const gate = await gateOver('fsync')
  expect(await submit(gate)).toMatchObject({ result: 'appended' })
})

describe('a log whose Redis is behind the archive', () => {
  beforeEach(async () => {
    await answeredPrompt(council)
    const archiver = await archive(council, redisUrl, { postgres })
    await allArchived(archiver, council)
    await archiver.stop()
  })
  const reopened = (councilId = council.councilId, durability: Durability = 'fsync') =>
    openLog(council.redis, council.keys, {
      durability,
      macs: testMacs,
      newIncarnation: newId(),
      archived: { councilId, archive: stored },
    })

  test('is opened if nothing is missing', async () => {
    expect(await reopened()).toBe((await identityOf(council)).incarnation)
  })

  test('is not opened if its tail is missing', async () => {
    await council.redis.xdel(council.keys.log, await council.log.head())
    await council.redis.hset(council.keys.meta, 'sequence', 7)
    await expect(reopened()).rejects.toMatchObject({
      code: 'log_lost_its_tail',
      message: expect.stringContaining('bin/council restore'),
    })
  })

  test('is not opened if its tail was replaced', async () => {
    await council.redis.xdel(council.keys.log, await council.log.head())
    await council.redis.hset(council.keys.meta, 'sequence', 7)
    await council.execute(SubmitPrompt, { requestId: newId(), text: 'Why?' })
    await expect(reopened()).rejects.toMatchObject({ code: 'log_lost_its_tail' })
  })

  test('is not opened if Redis is empty, and no new log is created', async () => {
    await council.redis.del(council.keys.log, council.keys.meta, council.keys.states, council.keys.work)
    await expect(reopened()).rejects.toMatchObject({
      code: 'log_replaced',
      message: expect.stringContaining('bin/council restore'),
    })
    expect(await council.redis.exists(council.keys.meta)).toBe(0)
  })

  test('is not opened if Redis holds another log', async () => {
    await council.redis.hset(council.keys.meta, 'incarnation', 'another')
    await expect(reopened()).rejects.toMatchObject({ code: 'log_replaced' })
  })

  test('is not opened with the archive of another council', async () => {
    await expect(reopened('other')).rejects.toMatchObject({ code: 'archive_of_another_council' })
  })
})
