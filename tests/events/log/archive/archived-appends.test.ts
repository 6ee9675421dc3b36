import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { Principal } from '../../../../src/events/identifiers.ts'
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
import { allArchived, archive, archiveLog, councilWithArchive } from '../../../support/archived-council.ts'
import { identityOf } from '../../../support/stored-log.ts'
import { newId, testMacs, type TestCouncil } from '../../../support/council.ts'
import { openPostgres } from '../../../support/databases.ts'
import { answeredPrompt, eventsOfPrompts } from '../../../support/history.ts'
import { loseNewest } from '../../../support/lost.ts'
import { suiteDatabase } from '../../../support/lifetimes.ts'
import { redisUrl } from '../../../support/shared-servers.ts'

const db = await suiteDatabase(openPostgres)
let stored: Archive
let council: TestCouncil
beforeEach(async () => {
  ;({ council, stored } = await councilWithArchive(db))
})

/** A process that acknowledges archived events only; its archiver runs elsewhere, or not at all. */
async function gateOver(
  durability: Durability,
  part: { progress?: ArchiveProgress; archivedWithinMs?: number } = {},
): Promise<CommandGate> {
  const { incarnation } = await identityOf(council)
  const { redis, keys } = council
  const shared = { redis, durability, known: { incarnation, sequence: 0 }, archive: stored }
  const inner = redisLog({ ...shared, openBlocking: () => redis, keys, incarnation, macs: testMacs })
  const log = archivedAppends(inner, { ...shared, progress: archiveProgress(stored), ...part })
  let nowMs = systemClock.nowMs()
  // Every backoff of the gate reaches its deadline.
  const pause = (): Promise<void> => Promise.resolve(void (nowMs += 60_000))
  return createGate({ log, clock: { nowMs: () => nowMs }, newId, pause, logger: silentLogger })
}

const submit = (gate: CommandGate, requestId = newId()) =>
  gate.execute(
    SubmitPrompt,
    { requestId, text: 'Why?' },
    { commandId: requestId, principal: Principal.parse('tester') },
  )

describe('with DURABILITY=archived a command', () => {
  test('is acknowledged once any archiver has archived it', async () => {
    await archive(council, redisUrl, db)
    const result = await submit(await gateOver('archived'))
    expect(result).toMatchObject({ result: 'appended' })
    expect((await stored.checkpoint())?.position).toBe('position' in result ? result.position : '')
  })

  test('has an unknown outcome until it is archived, and is a duplicate afterwards', async () => {
    const gate = await gateOver('archived', { archivedWithinMs: 50 })
    const requestId = newId()
    for (const _ of ['sent', 'repeated'])
      expect(await submit(gate, requestId)).toMatchObject({ result: 'rejected', code: 'outcome_unknown' })
    await archiveLog(council, redisUrl, db)
    expect(await submit(gate, requestId)).toMatchObject({ result: 'duplicate' })
    expect(await council.events()).toHaveLength(1)
  })

  test('is not written to a Redis that lacks archived events of another process', async () => {
    const archiver = await archive(council, redisUrl, db)
    const gate = await gateOver('archived')
    await answeredPrompt(council)
    await allArchived(archiver, council)
    await loseNewest(council)
    expect(await submit(gate)).toMatchObject({
      result: 'rejected',
      code: 'log_stopped',
      message: expect.stringContaining('bin/council restore'),
    })
    expect(await council.redis.xlen(council.keys.log)).toBe(eventsOfPrompts(1) - 1)
  })
})

describe('with DURABILITY=fsync a command', () => {
  test('does not wait for the archive', async () => {
    const gate = await gateOver('fsync', { archivedWithinMs: 0 })
    expect(await submit(gate)).toMatchObject({ result: 'appended' })
  })

  test('needs no Postgres', async () => {
    const url = 'postgres://user@127.0.0.1:1/none'
    const away = connectPostgres<unknown>({ url, maxConnections: 1, logger: silentLogger })
    onTestFinished(() => away.close())
    stored = postgresArchive(away)
    expect(await submit(await gateOver('fsync'))).toMatchObject({ result: 'appended' })
  })
})

describe('an archived log', () => {
  beforeEach(async () => {
    await answeredPrompt(council)
    await archiveLog(council, redisUrl, db)
  })
  const reopened = (councilId = council.councilId, durability: Durability = 'fsync') =>
    openLog(council.redis, council.keys, {
      durability,
      macs: testMacs,
      newIncarnation: newId(),
      archived: { councilId, archive: stored },
    })

  test('is opened if Redis has all of it', async () => {
    expect(await reopened()).toBe((await identityOf(council)).incarnation)
  })

  test('is not opened if Redis lacks its tail', async () => {
    await loseNewest(council)
    await expect(reopened()).rejects.toMatchObject({
      code: 'log_lost_its_tail',
      message: expect.stringContaining('bin/council restore'),
    })
  })

  test('is not opened if Redis has another tail', async () => {
    await loseNewest(council)
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
