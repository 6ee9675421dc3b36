import fc from 'fast-check'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { aggregateOf, deadlineRules } from '../../../../src/commands/registry.ts'
import { OpenAccount } from '../../../../src/commands/treasury/open-account.ts'
import { ReserveFunds } from '../../../../src/commands/treasury/reserve-funds.ts'
import { TransferFunds } from '../../../../src/commands/treasury/transfer-funds.ts'
import { type Uuid7, Principal } from '../../../../src/events/identifiers.ts'
import { postgresArchive, type Archive } from '../../../../src/events/log/archive/archive.ts'
import { openLog } from '../../../../src/events/log/open.ts'
import { silentLogger } from '../../../../src/platform/logger.ts'
import { connectRedis } from '../../../../src/platform/redis/connection.ts'
import { readModels } from '../../../../src/projections/read-models.ts'
import { fieldOf, openAuditedCouncil, storyEvents, withFields, type AuditedCouncil } from '../../../support/audited.ts'
import { newId, testMacs, type TestCouncil } from '../../../support/council.ts'
import { databaseKinds, openPostgres, type TestDatabase } from '../../../support/databases.ts'
import { answeredPrompt, applyStep, eventsPerPrompt, newPrompt, steps } from '../../../support/history.ts'
import { suiteDatabase } from '../../../support/lifetimes.ts'
import { backup, loseEverything, restoreFrom, snapshotOf, trim, type Snapshot } from '../../../support/lost.ts'
import { caughtUp, project } from '../../../support/read-models.ts'
import { redisUrl } from '../../../support/shared-servers.ts'
import { id } from '../../../support/treasury.ts'

let audited: AuditedCouncil
let council: TestCouncil
let archive: Archive

const restoring = (part?: { dryRun?: boolean; onWritten?: () => void }) => restoreFrom(archive, council, part)
const nothing = { states: 0, 'finished streams': 0, 'command ids': 0, 'keys of callers': 0, deadlines: 0, jobs: 0 }
const opening = () =>
  openLog(council.redis, council.keys, {
    durability: 'fsync',
    macs: testMacs,
    newIncarnation: newId(),
    archived: { councilId: council.councilId, archive },
  })

/** The jobs of unfinished prompts; jobs of finished prompts may be left over. */
const unfinished = ({ states, ...snapshot }: Snapshot): Snapshot => ({
  ...snapshot,
  states,
  jobs: snapshot.jobs.filter((fields) => (states[fields[3] ?? ''] ?? '') !== ''),
})

async function open(db: TestDatabase): Promise<void> {
  audited = await openAuditedCouncil(redisUrl, db)
  council = audited.council
  onTestFinished(council.close)
  archive = postgresArchive(db.postgres)
  await audited.archive()
}

describe.each(databaseKinds)('restoring from an archive in $kind', async ({ open: openDatabase }) => {
  const db = await suiteDatabase(openDatabase)
  beforeEach(() => open(db))

  test('restores everything after a flush: entries, stream metadata, states, ids and jobs', async () => {
    const before = await snapshotOf(council)
    await loseEverything(council)
    const restored = await restoring()
    expect(await snapshotOf(council)).toEqual(unfinished(before))
    expect(restored).toMatchObject({
      events: storyEvents,
      trimmed: 0,
      identity: true,
      derived: { states: Object.keys(before.states).length, 'finished streams': 2, jobs: 1 },
    })
    expect(await opening()).toBe(before.meta['incarnation'])
    expect(await restoring()).toMatchObject({ events: 0, identity: false, derived: nothing })
    expect(await audited.verify()).toMatchObject({ code: 0, faults: [] })
  })

  test('lets the read models continue without a rebuild', async () => {
    const projected = async () => {
      const projector = project(council.log, db.postgres, readModels)
      await caughtUp(projector, council.log)
      return projector
    }
    const generations = async () => (await db.dump('projections')).map((line) => line.split(',').slice(0, 3).join())
    await (await projected()).stop()
    const before = await generations()
    await loseEverything(council)
    await restoring()
    await answeredPrompt(council)
    const projector = await projected()
    expect(projector.status().map(({ state }) => state)).toEqual(readModels.map(() => 'running'))
    expect(await generations()).toEqual(before)
  })
})

describe('restoring', async () => {
  const db = await suiteDatabase(openPostgres)
  beforeEach(() => open(db))

  /** Expects a refusal that leaves Redis unchanged. */
  async function expectRefused(refusal: { code: string; at?: string | undefined }): Promise<void> {
    const before = await snapshotOf(council)
    await expect(restoring()).rejects.toMatchObject(refusal)
    expect(await snapshotOf(council)).toEqual(before)
  }
  const at = async (n: number) => (await audited.entries())[n - 1]?.[0]
  const transfer = (amountMicros: number) =>
    council.execute(TransferFunds, {
      transferId: newId(),
      from: id('reserve'),
      to: id('agent:bob'),
      amountMicros,
      reason: 'any',
    })
  /** Restores, and dies at the nth write. Resolves with whether it was done before that. */
  const restoresBefore = (deadlyWrite: number): Promise<boolean> => {
    let written = 0
    const onWritten = () => {
      if (written++ === deadlyWrite) throw new Error('killed')
    }
    return restoring({ onWritten }).then(
      () => true,
      () => false,
    )
  }

  test('restores command ids: a repeated command gets its result, another one under the same id is rejected', async () => {
    const commandId = newId()
    const refusedId = newId()
    const opens = (account: string, under: Uuid7) => council.execute(OpenAccount, { account: id(account) }, under)
    const done = await opens('agent:eve', commandId)
    const refusal = await opens('agent:eve', refusedId)
    await audited.archive()
    await loseEverything(council)
    await restoring()
    expect(done).toMatchObject({ result: 'appended' })
    expect(await opens('agent:eve', commandId)).toEqual({ ...done, result: 'duplicate' })
    expect(await opens('agent:mallory', commandId)).toMatchObject({ result: 'rejected', code: 'command_id_reused' })
    expect(await opens('agent:eve', refusedId)).toEqual(refusal)
  })

  test('restores idempotency keys and their command ids', async () => {
    const idOf = () => council.log.commandIdFor(Principal.parse('tester'), 'order-7', newId)
    const commandId = await idOf()
    const command = { account: id('agent:eve') }
    const context = { commandId, idempotencyKey: 'order-7', principal: Principal.parse('tester') }
    const done = await council.gate.execute(OpenAccount, command, context)
    await audited.archive()
    await loseEverything(council)
    await restoring()
    expect(await idOf()).toBe(commandId)
    expect(await council.execute(OpenAccount, command, await idOf())).toEqual({ ...done, result: 'duplicate' })
    expect(await council.redis.pttl(council.keys.callersKey(Principal.parse('tester'), 'order-7'))).toBeGreaterThan(
      23 * 3_600_000,
    )
  })

  test('gives each unfinished prompt to a worker once, and starts no finished one', async () => {
    await loseEverything(council)
    await restoring()
    const blocking = connectRedis({ url: redisUrl, role: 'blocking', name: 'test-jobs', logger: silentLogger })
    const queue = await council.log.openJobs(blocking, 'worker', 5_000)
    const submitted = (await audited.entries()).filter((entry) => fieldOf(entry, 'type') === 'PromptSubmitted')
    const jobs = await queue.takeNew(10)
    queue.close()
    expect(jobs).toMatchObject([
      { kind: 'answer', stream: fieldOf(submitted.at(-1)!, 'stream'), position: submitted.at(-1)?.[0] },
    ])
    const known = fieldOf(submitted[0]!, 'stream').slice('chat/'.length) as Uuid7
    const entries = (await audited.entries()).length
    await applyStep(council, { ...newPrompt(), requestId: known }, 'submit')
    expect(await audited.entries()).toHaveLength(entries)
  })

  test('restores a lost tail with its derived data', async () => {
    const putBack = await backup(council)
    await answeredPrompt(council)
    await transfer(5_000)
    await applyStep(council, newPrompt(), 'submit')
    await audited.archive()
    const before = await snapshotOf(council)
    await putBack()
    await expect(opening()).rejects.toMatchObject({ code: 'log_lost_its_tail' })
    expect(await restoring()).toMatchObject({ events: eventsPerPrompt + 3, identity: true, derived: { jobs: 1 } })
    const after = await snapshotOf(council)
    expect(unfinished(after)).toEqual(unfinished(before))
    expect(await audited.verify()).toMatchObject({ code: 0, faults: [] })
    expect(await opening()).toBe(before.meta['incarnation'])
  })

  test('keeps events on Redis that are newer than the archive', async () => {
    await answeredPrompt(council)
    const before = await snapshotOf(council)
    expect(await restoring()).toMatchObject({ events: 0, identity: false, derived: nothing })
    await council.redis.hdel(council.keys.states, 'account/reserve')
    expect(await restoring()).toMatchObject({
      events: 0,
      end: { sequence: storyEvents + eventsPerPrompt },
      derived: { ...nothing, states: 1 },
    })
    expect(await snapshotOf(council)).toEqual(before)
  })

  test('corrects a state that is not the fold of the log', async () => {
    const before = await snapshotOf(council)
    await council.redis.hset(council.keys.states, 'account/reserve', '1:1:{}', 'account/agent:eve', '9:1:{}')
    expect(await restoring()).toMatchObject({ derived: { ...nothing, states: 2 } })
    expect(await snapshotOf(council)).toEqual(before)
  })

  test('rebuilds the index of deadlines, and drops what the states do not lead to', async () => {
    const reservationId = newId()
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const reserving = { account: id('agent:ada'), reservationId, amountMicros: 900_000, expiresAt }
    await council.execute(ReserveFunds, reserving, reservationId)
    await audited.archive()
    const before = await snapshotOf(council)
    expect(before.deadlines).toEqual(['account/agent:ada', expect.any(String), '', 'inf'])
    await council.redis.zadd(council.keys.deadlines, 5, 'account/agent:ada', 6, 'account/agent:bob')
    expect(await restoring()).toMatchObject({ derived: { ...nothing, deadlines: 2 } })
    expect(await snapshotOf(council)).toEqual(before)
    await loseEverything(council)
    expect(await restoring()).toMatchObject({ derived: { deadlines: 1 } })
    expect(await snapshotOf(council)).toEqual(unfinished(before))
    expect(await council.log.indexDeadlines(aggregateOf, deadlineRules)).toBe(0)
    expect(await audited.verify()).toMatchObject({ code: 0, faults: [], summary: { deadlines: { indexed: 1 } } })
  })

  test('writes nothing in a dry run', async () => {
    await loseEverything(council)
    expect(await restoring({ dryRun: true })).toMatchObject({
      events: storyEvents,
      identity: true,
      derived: { jobs: 1 },
    })
    expect(await council.redis.keys(`council:{${council.councilId}}:*`)).toEqual([])
  })

  test('blocks writers until it is complete, and continues after a kill at any point', async () => {
    const before = unfinished(await snapshotOf(council))
    let crashes = 0
    for (; ; crashes++) {
      await loseEverything(council)
      if (await restoresBefore(crashes)) break
      const isWhole = (await council.redis.hexists(council.keys.meta, 'incarnation')) === 1
      if (!isWhole) {
        await expect(opening()).rejects.toMatchObject({ code: 'log_replaced' })
        expect(await council.log.head().then(() => council.redis.hget(council.keys.meta, 'sequence'))).toBeNull()
      }
      await restoring()
      expect(await snapshotOf(council)).toEqual(before)
    }
    expect(crashes).toBeGreaterThanOrEqual(8)
  })

  test('blocks writers while it restores a tail, and after a kill at any point', async () => {
    const putBack = await backup(council)
    await answeredPrompt(council)
    await audited.archive()
    const before = unfinished(await snapshotOf(council))
    let crashes = 0
    for (let isDone = false; !isDone; crashes++) {
      await putBack()
      isDone = await restoresBefore(crashes)
      if ((await council.redis.hget(council.keys.meta, 'sequence')) !== before.meta['sequence'])
        await expect(opening()).rejects.toMatchObject({ code: 'log_replaced' })
      await restoring()
      expect(unfinished(await snapshotOf(council))).toEqual(before)
    }
    expect(crashes).toBeGreaterThanOrEqual(6)
  })

  test('does not write back trimmed events, and counts them in the stream metadata', async () => {
    await trim(council, archive.noteTrimmed, 20)
    const before = await snapshotOf(council)
    await loseEverything(council)
    expect(await restoring()).toMatchObject({ events: storyEvents - 20, trimmed: 20 })
    const after = await snapshotOf(council)
    expect(after).toEqual({
      ...unfinished(before),
      stream: { ...before.stream, maxDeletedId: (await archive.checkpoint())?.trimmed.position },
    })
    expect(after.stream).toMatchObject({ entriesAdded: storyEvents })
    expect(await audited.verify()).toMatchObject({ code: 0, faults: [] })
  })

  test('restores a fully trimmed log, which continues above its old positions', async () => {
    const last = await at(storyEvents)
    await trim(council, archive.noteTrimmed, storyEvents)
    await loseEverything(council)
    expect(await restoring()).toMatchObject({ events: 0, trimmed: storyEvents, identity: true })
    expect(await snapshotOf(council)).toMatchObject({
      entries: [],
      stream: { lastId: last, entriesAdded: storyEvents },
    })
    expect(await council.execute(OpenAccount, { account: id('agent:eve') })).toMatchObject({ result: 'appended' })
    expect(fieldOf((await audited.entries())[0]!, 'sequence')).toBe(String(storyEvents + 1))
    expect(await restoring()).toMatchObject({ events: 0, derived: nothing })
  })

  test('refuses an empty archive', async () => {
    await audited.query('delete from archive_checkpoint')
    await expectRefused({ code: 'no_archive' })
  })

  test('refuses another log, and the archive of another council', async () => {
    await audited.query(`update archive_checkpoint set council_id = 'other'`)
    await expectRefused({ code: 'histories_differ' })
    await audited.query(`update archive_checkpoint set council_id = '${council.councilId}'`)
    await council.redis.hset(council.keys.meta, 'incarnation', 'another')
    await expectRefused({ code: 'histories_differ' })
  })

  test.each(['sequence', 'revision', 'type', 'data', 'metadata', 'mac'])(
    'refuses a Redis that holds another %s, and says where',
    async (name) => {
      await audited.rewrite((entries) =>
        entries.slice(0, 30).with(9, withFields(entries[9]!, { [name]: `${fieldOf(entries[9]!, name)}1` })),
      )
      await expectRefused({ code: 'histories_differ', at: await at(10) })
    },
  )

  test('refuses a Redis with a missing, an extra or a malformed entry', async () => {
    const all = await audited.entries()
    await council.redis.xdel(council.keys.log, all[14]![0])
    await expectRefused({ code: 'histories_differ', at: all[15]?.[0] })
    await audited.rewrite(() => [['1-0', all[5]![1]], ...all])
    await expectRefused({ code: 'histories_differ', at: '1-0' })
    await audited.rewrite(() => [...all.slice(0, 5), [all[5]![0], ['what', 'ever']]])
    await expectRefused({ code: 'histories_differ', at: all[5]?.[0] })
  })

  test('refuses an archive that does not match its hash chain', async () => {
    await audited.query(`update event_archive set data = replace(data, '100000000', '900000000') where sequence = 8`)
    const changed = await at(8)
    await loseEverything(council)
    await expectRefused({ code: 'archive_damaged', at: changed })
  })

  test.each(['log', 'meta', 'states', 'work', 'deadlines', 'commands'] as const)(
    'refuses a key of the %s that has another type, before it writes',
    async (name) => {
      const [commandIds] = Object.keys((await snapshotOf(council)).commands)
      const key = name === 'commands' ? commandIds! : council.keys[name]
      await loseEverything(council)
      await council.redis.set(key, 'mine')
      await expect(restoring()).rejects.toMatchObject({ code: 'log_key_of_wrong_type' })
      expect(await council.redis.get(key)).toBe('mine')
      expect(await council.redis.keys(`council:{${council.councilId}}:*`)).toEqual([key])
    },
  )

  test('restores any log from any older state of Redis', async () => {
    const happening = fc.record({
      prompt: fc.nat(2),
      step: fc.constantFrom(...steps),
      micros: fc.integer({ min: 1, max: 30_000_000 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { minLength: 1, maxLength: 15 }),
        fc.nat(15),
        fc.boolean(),
        async (happenings, backupAt, isFlushed) => {
          const prompts = [newPrompt(), newPrompt(), newPrompt()]
          let putBack = await backup(council)
          for (const [index, { prompt, step, micros }] of happenings.entries()) {
            if (index === backupAt) putBack = await backup(council)
            await applyStep(council, prompts[prompt]!, step)
            await transfer(micros)
          }
          await audited.archive()
          const before = unfinished(await snapshotOf(council))
          await (isFlushed ? loseEverything(council) : putBack())
          await restoring()
          expect(unfinished(await snapshotOf(council))).toEqual(before)
        },
      ),
      { numRuns: 25 },
    )
    expect(await audited.verify()).toMatchObject({ code: 0 })
  })
})
