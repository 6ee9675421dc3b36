import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SubmitPrompt } from '../../../src/commands/chat/submit-prompt.ts'
import { logKeys } from '../../../src/events/log/keys.ts'
import { acquireDataDirLock } from '../../../src/platform/process/data-dir-lock.ts'
import { dataPaths } from '../../../src/platform/process/data-dir.ts'
import { startEmbeddedPostgres } from '../../../src/platform/postgres/embedded-postgres.ts'
import { startEmbeddedRedis } from '../../../src/platform/redis/embedded-redis.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { connectPostgres } from '../../../src/platform/postgres/postgres.ts'
import { migrate } from '../../../src/projections/engine/migrate.ts'
import { archiveAll } from '../../support/archived.ts'
import { macKeyFile, openAuditedCouncil, storyEvents } from '../../support/audited.ts'
import { council as cli, emptyDataDir } from '../../support/cli.ts'
import { openTestCouncil } from '../../support/council.ts'
import { openPostgres, type TestDatabase } from '../../support/databases.ts'
import { answeredPrompt, applyStep, eventsOfPrompts, eventsPerPrompt, newPrompt } from '../../support/history.ts'
import { runProgram } from '../../support/run-program.ts'
import { startRedis } from '../../support/servers.ts'
import { loseEverything, snapshotOf, type Snapshot } from '../../support/lost.ts'

const main = join(import.meta.dirname, '../../../src/main.ts')

describe('council restore on running servers', () => {
  let db: TestDatabase
  let redis: Awaited<ReturnType<typeof startRedis>>
  beforeAll(async () => {
    db = await openPostgres()
    redis = await startRedis()
  })
  afterAll(async () => {
    await redis.stop()
    await db.close()
  })

  test('refills a Redis that was flushed under a running gate, and then finds nothing to restore', async () => {
    const audited = await openAuditedCouncil(redis.url, db)
    const { council, settings } = audited
    await audited.archive()
    const before = await snapshotOf(council)
    await council.redis.flushall()
    const prompt = { requestId: newPrompt().requestId, text: 'Is anybody there?' }
    expect(await council.execute(SubmitPrompt, prompt)).toMatchObject({ result: 'rejected', code: 'log_stopped' })

    const dry = await cli(settings, ['restore', '--dry-run', '--json'])
    expect(dry.json()).toMatchObject([{ kind: 'would_restore', sequence: storyEvents, events: storyEvents, jobs: 1 }])
    expect(await council.redis.dbsize()).toBe(0)
    const run = await cli(settings, ['restore'])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toMatch(
      new RegExp(
        `^log +${storyEvents} events, to \\d+-\\d+, incarnation .*\nevents +${storyEvents}\n[^]*Restored\\. Restart every process of this council: .*\n$`,
      ),
    )
    const durable = ({ entries, states, commands }: Snapshot) => ({ entries, states, commands })
    expect(durable(await snapshotOf(council))).toEqual(durable(before))
    expect((await cli(settings, ['restore', '--json'])).json()).toMatchObject([
      { kind: 'whole', events: 0, states: 0, commandIds: 0 },
    ])
    expect(await audited.verify()).toMatchObject({ code: 0, faults: [] })

    const restarted = await openTestCouncil(redis.url, council.councilId)
    await answeredPrompt(restarted)
    expect(await restarted.events()).toHaveLength(storyEvents + eventsPerPrompt)
    restarted.close()
    council.close()
  })

  test('completes a half-written append, so that the log continues once it is verified', async () => {
    const audited = await openAuditedCouncil(redis.url, db)
    const { council, settings } = audited
    // The event can be written, but its job cannot.
    await council.redis.call('XSETID', council.keys.work, '18446744073709551615-18446744073709551615')
    const { requestId } = newPrompt()
    expect(await council.execute(SubmitPrompt, { requestId, text: 'Is anybody there?' }, requestId)).toMatchObject({
      code: 'outcome_unknown',
    })
    const message = expect.stringContaining('bin/council restore')
    expect(council.gate.stoppedBy()).toMatchObject({ code: 'log_halted', message })
    await audited.archive()

    // The cause of the failure is repaired first.
    await council.redis.del(council.keys.work)
    expect((await cli(settings, ['restore', '--json'])).json()).toMatchObject([
      { kind: 'restored', events: 0, jobs: 2 },
    ])
    expect(await audited.verify('--resume')).toMatchObject({ code: 0, faults: [], summary: { resumed: true } })
    const restarted = await openTestCouncil(redis.url, council.councilId)
    expect(await restarted.execute(SubmitPrompt, { requestId, text: 'Is anybody there?' }, requestId)).toMatchObject({
      result: 'duplicate',
    })
    await answeredPrompt(restarted)
    restarted.close()
    council.close()
  })

  test('refuses histories that differ, and names the position', async () => {
    const audited = await openAuditedCouncil(redis.url, db)
    await audited.archive()
    await audited.rewrite((entries) => entries.with(4, [entries[4]![0], entries[5]![1]]))
    const at = (await audited.entries())[4]?.[0]
    const run = await cli(audited.settings, ['restore', '--json'])
    expect(run).toMatchObject({ code: 1, stdout: '' })
    expect(JSON.parse(run.stderr)).toEqual({
      code: 'histories_differ',
      message: `archive and Redis differ at ${at}: event number 5 has another sequence in Redis than in the archive`,
    })
    audited.council.close()
  })
})

describe('council restore with everything embedded', () => {
  let dataDir: string
  let before: Snapshot
  const startDurableRedis = () => startEmbeddedRedis({ dataDir, role: 'durable', onReport: () => undefined })
  const settings = () => ({ DATA_DIR: dataDir, COUNCIL_ID: 'embedded', MAC_KEY_FILE: macKeyFile() })

  // A council ran on this DATA_DIR, was archived, and lost its Redis.
  beforeAll(async () => {
    dataDir = emptyDataDir()
    const lock = acquireDataDirLock(dataDir)
    if (!lock.held) throw new Error('this folder is in use')
    const { url: redisUrl, child: redis } = await startDurableRedis()
    const { url, child: pglite } = await startEmbeddedPostgres(dataDir, () => undefined)
    copyFileSync(macKeyFile(), dataPaths(dataDir).macKey)
    const postgres = connectPostgres<unknown>({ url, maxConnections: 2, logger: silentLogger })
    await migrate(postgres)
    const council = await openTestCouncil(redisUrl, 'embedded')
    await answeredPrompt(council)
    await applyStep(council, newPrompt(), 'submit')
    await archiveAll(council, postgres)
    before = await snapshotOf(council)
    await loseEverything(council)
    council.close()
    await postgres.close()
    await pglite.stop()
    await redis.stop()
    lock.release()
  })

  test('starts the servers, stops them at its end, and leaves a log that continues', async () => {
    const run = await cli(settings(), ['restore'])
    expect(run).toMatchObject({ code: 0 })
    expect(run.stdout).toMatch(/\nRestored\. Start the council: bin\/start\n$/)
    const lock = acquireDataDirLock(dataDir)
    expect(lock.held).toBe(true)
    const { url, child } = await startDurableRedis()
    const council = await openTestCouncil(url, 'embedded')
    const { entries, states } = await snapshotOf(council)
    expect({ entries, states }).toEqual({ entries: before.entries, states: before.states })
    expect(await council.redis.hget(logKeys('embedded').meta, 'sequence')).toBe(before.meta['sequence'])
    council.close()
    await child.stop()
    if (lock.held) lock.release()
  })

  test('uses the servers of a running council, and leaves them running', async () => {
    const lock = acquireDataDirLock(dataDir)
    const { child: redis } = await startDurableRedis()
    const { child: pglite } = await startEmbeddedPostgres(dataDir, () => undefined)
    const environment = { PATH: process.env['PATH'], ...settings() }
    const run = await runProgram(process.execPath, {
      args: [main, 'restore', '--json'],
      environment,
      signal: new AbortController().signal,
      output: 'kept',
    })
    await pglite.stop()
    await redis.stop()
    if (lock.held) lock.release()
    expect(run).toMatchObject({ code: 0 })
    expect(JSON.parse(run.output)).toMatchObject({ kind: 'whole', sequence: eventsOfPrompts(1) + 1 })
  })
})
