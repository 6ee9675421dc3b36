import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { OpenAccount } from '../../../../src/commands/treasury/open-account.ts'
import type { Position, StreamName, AccountId } from '../../../../src/events/identifiers.ts'
import { postgresArchive, type Archive } from '../../../../src/events/log/archive/archive.ts'
import { chainStart, extendChain } from '../../../../src/events/log/archive/chain.ts'
import { authenticityFault, authenticate } from '../../../../src/events/log/archive/authenticate.ts'
import type { StoredEvent } from '../../../../src/events/log/read/stored-event.ts'
import { silentLogger } from '../../../../src/platform/logger.ts'
import { connectPostgres } from '../../../../src/platform/postgres/postgres.ts'
import { migrate } from '../../../../src/projections/engine/migrate.ts'
import { allArchived, archive, archiveLog, councilWithArchive } from '../../../support/archived-council.ts'
import { identityOf, storedLogOf } from '../../../support/stored-log.ts'
import { newId, testMacs, type TestCouncil } from '../../../support/council.ts'
import { databaseKinds } from '../../../support/databases.ts'
import { answeredPrompt, eventsOfPrompts } from '../../../support/history.ts'
import { suiteDatabase, testCouncil } from '../../../support/lifetimes.ts'
import { loseNewest } from '../../../support/lost.ts'
import { startPostgres, startRedis } from '../../../support/servers.ts'
import { createDatabase, freshCouncilId, redisUrl } from '../../../support/shared-servers.ts'

const everything = async (pages: AsyncGenerator<StoredEvent[]>) => {
  const events: StoredEvent[] = []
  for await (const page of pages) events.push(...page)
  return events
}

/** Replaces the newest entry, as the owner of Redis can. */
async function rewriteNewest({ redis, keys }: TestCouncil, part: Record<string, string>): Promise<Position> {
  const [newest] = await redis.xrevrange(keys.log, '+', '-', 'COUNT', 1)
  const [id, fields] = newest ?? ['', []]
  const record = Object.fromEntries(
    fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1] ?? '']] : [])),
  )
  await redis.xdel(keys.log, id)
  return (await redis.xadd(keys.log, '*', ...Object.entries({ ...record, ...part }).flat())) as Position
}

describe.each(databaseKinds)('the archiver on $kind', async ({ open }) => {
  const db = await suiteDatabase(open)
  let council: TestCouncil
  let stored: Archive
  beforeEach(async () => {
    ;({ council, stored } = await councilWithArchive(db))
  })

  const textsIn = async (pages: AsyncGenerator<StoredEvent[]>) =>
    (await everything(pages)).map((event) => ({ ...event, chainHead: undefined }))
  const archivedTexts = () => textsIn(stored.read())
  const logTexts = () => textsIn(storedLogOf(council, redisUrl).readStored())

  test('copies every text of the log and continues with new events', async () => {
    await answeredPrompt(council, 'Ein "Text" mit € und \u0000 und \ud800')
    const archiver = await archive(council, redisUrl, db)
    await allArchived(archiver, council)
    await answeredPrompt(council)
    await allArchived(archiver, council)
    expect(await archivedTexts()).toEqual(await logTexts())
    expect(await archivedTexts()).toHaveLength(eventsOfPrompts(2))
    expect(archiver.status()).toMatchObject({ state: 'running', sequence: eventsOfPrompts(2) })
  })

  test('extends the chain from the log identity over every event', async () => {
    await answeredPrompt(council)
    await archiveLog(council, redisUrl, db)
    let head = chainStart(await identityOf(council))
    for (const event of await everything(stored.read())) head = extendChain(head, event)
    expect((await stored.checkpoint())?.chainHead).toEqual(head)
  })

  test('continues where another archiver stopped', async () => {
    for (const _ of ['first', 'second']) {
      await answeredPrompt(council)
      await archiveLog(council, redisUrl, db)
    }
    expect(await archivedTexts()).toEqual(await logTexts())
  })

  test('does no harm next to another archiver', async () => {
    const seen: number[][] = [[], []]
    const both = await Promise.all(
      seen.map((sequences) =>
        archive(council, redisUrl, db, {
          onArchived: (events) => void sequences.push(...events.map(({ sequence }) => sequence)),
        }),
      ),
    )
    for (let i = 0; i < 12; i++) await answeredPrompt(council)
    await Promise.all(both.map((archiver) => allArchived(archiver, council)))
    expect(both.map((archiver) => archiver.status().state)).toEqual(['running', 'running'])
    expect(await archivedTexts()).toEqual(await logTexts())
    await Promise.all(both.map((archiver) => archiver.stop()))
    // Each archiver reported every event once and in order, whichever one archived it.
    for (const sequences of seen) expect(sequences).toEqual(sequences.map((_, index) => index + 1))
  })

  test('archives the events of an append-only stream, whose MACs do not cover the revision', async () => {
    for (const by of [newId(), newId()]) await council.execute(OpenAccount, { account: 'agent:a' as AccountId }, by)
    await archiveLog(council, redisUrl, db)
    expect((await everything(stored.read())).map(({ type }) => type)).toEqual([
      'AccountOpened',
      'AccountLimitsSet',
      'CommandRefused',
    ])
  })

  test('does not mistake an event that another archiver has just archived for a copy', async () => {
    for (const by of [newId(), newId()]) await council.execute(OpenAccount, { account: 'agent:a' as AccountId }, by)
    const overtaken: Archive = {
      ...stored,
      async macsIn(...asked) {
        await allArchived(await archive(council, redisUrl, db), council)
        return stored.macsIn(...asked)
      },
    }
    const archiver = await archive(council, redisUrl, db, { archive: overtaken })
    await allArchived(archiver, council)
    expect(archiver.status()).toMatchObject({ state: 'running', sequence: 3 })
  })

  test.each([
    ['after', true],
    ['before', false],
  ])('stops at an event of a history that was copied %s it was archived', async (_, archivedBefore) => {
    for (const by of [newId(), newId()]) await council.execute(OpenAccount, { account: 'agent:a' as AccountId }, by)
    if (archivedBefore) await archiveLog(council, redisUrl, db)
    const [newest] = await council.redis.xrevrange(council.keys.log, '+', '-', 'COUNT', 1)
    const copy = newest![1].with(1, '4').with(newest![1].indexOf('revision') + 1, '2')
    await council.redis.xadd(council.keys.log, '*', ...copy)
    await council.redis.hset(council.keys.meta, 'sequence', 4)
    expect(await stoppedAt()).toMatchObject({ state: 'stopped', code: 'forged_event', sequence: 3 })
  })

  const stoppedAt = async (of = council) => {
    const archiver = await archive(of, redisUrl, db)
    await archiver.done
    return archiver.status()
  }

  test.each([
    ['data', { data: '{"by":"mallory"}' }],
    ['stream', { stream: `chat/${newId()}` }],
    ['revision', { revision: '7' }],
    ['MAC', { mac: '' }],
  ])('stops at an event whose %s was changed, with everything before it archived', async (_, part) => {
    await answeredPrompt(council)
    const position = await rewriteNewest(council, part)
    const status = await stoppedAt()
    expect(status).toMatchObject({ state: 'stopped', code: 'forged_event', sequence: eventsOfPrompts(1) - 1 })
    expect(status.message).toContain(position)
  })

  test('stops at a missing event', async () => {
    await answeredPrompt(council)
    const events = await council.events()
    await council.redis.xdel(council.keys.log, events[3]!.position)
    expect(await stoppedAt()).toMatchObject({
      state: 'stopped',
      code: 'archive_gap',
      sequence: 3,
      message: expect.stringContaining(events[4]!.position),
    })
  })

  test('stops if the log changed an archived event', async () => {
    await answeredPrompt(council)
    await archiveLog(council, redisUrl, db)
    await rewriteNewest(council, {})
    expect(await stoppedAt()).toMatchObject({ state: 'stopped', code: 'archive_differs', sequence: eventsOfPrompts(1) })
  })

  test('stops if the log loses its tail during following and is written again', async () => {
    await answeredPrompt(council)
    const archiver = await archive(council, redisUrl, db)
    await allArchived(archiver, council)
    await rewriteNewest(council, {})
    await archiver.done
    expect(archiver.status()).toMatchObject({ state: 'stopped', code: 'archive_differs', sequence: eventsOfPrompts(1) })
  })

  test('stops if Redis is behind the archive', async () => {
    await answeredPrompt(council)
    await archiveLog(council, redisUrl, db)
    await loseNewest(council)
    expect(await stoppedAt()).toMatchObject({
      state: 'stopped',
      code: 'archive_differs',
      message: expect.stringContaining('bin/council restore'),
    })
  })

  test('stops if the database holds the archive of another log', async () => {
    await answeredPrompt(council)
    await archiveLog(council, redisUrl, db)
    expect(await stoppedAt(await testCouncil())).toMatchObject({
      code: 'archive_of_another_log',
      message: expect.stringContaining(council.councilId),
    })
  })

  test('stops at an event that contradicts the archive, without skipping it', async () => {
    await answeredPrompt(council)
    await archiveLog(council, redisUrl, db)
    // The same revision of the same stream again, genuine under its MAC.
    const [first] = await everything(stored.read({ limit: 1 }))
    const { data, metadata, stream, type, version, mac } = first!
    const sequence = eventsOfPrompts(1) + 1
    const entry = { sequence, stream, revision: 1, type, version, data, metadata, mac }
    await council.redis.xadd(council.keys.log, '*', ...Object.entries(entry).flat())
    await council.redis.hset(council.keys.meta, 'sequence', sequence)
    expect(await stoppedAt()).toMatchObject({ code: 'archive_differs', sequence: eventsOfPrompts(1) })
    expect(await archivedTexts()).toHaveLength(eventsOfPrompts(1))
  })
})

describe('an archiver whose servers become unreachable', () => {
  /** A database with the tables of the archive. */
  async function migrated(url: string) {
    const postgres = connectPostgres<unknown>({ url, maxConnections: 4, logger: silentLogger })
    onTestFinished(() => postgres.close())
    await migrate(postgres)
    return postgres
  }

  test('waits for Postgres and misses no event', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    const postgres = await migrated(server.url)
    const council = await testCouncil()
    const waited = Promise.withResolvers<undefined>()
    const archiver = await archive(
      council,
      redisUrl,
      { postgres },
      { pause: async () => void (waited.resolve(undefined), await new Promise((resolve) => setImmediate(resolve))) },
    )
    await answeredPrompt(council)
    await allArchived(archiver, council)
    await server.kill()
    await answeredPrompt(council)
    await waited.promise
    expect(archiver.status()).toMatchObject({ state: 'waiting', code: 'store_unreachable' })
    await server.start()
    await allArchived(archiver, council)
    expect(await everything(postgresArchive(postgres).read())).toHaveLength(eventsOfPrompts(2))
  })

  test('waits for Redis and misses no event', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const postgres = await migrated(await createDatabase())
    const council = await testCouncil(freshCouncilId(), redis.url)
    const archiver = await archive(council, redis.url, { postgres })
    await answeredPrompt(council)
    await allArchived(archiver, council)
    await redis.kill()
    await redis.start()
    await answeredPrompt(council)
    await allArchived(archiver, council)
    expect(await everything(postgresArchive(postgres).read())).toHaveLength(eventsOfPrompts(2))
  })
})

describe('an event', () => {
  const identity = { councilId: 'main', incarnation: 'first' }
  const authentication = {
    identity,
    macs: testMacs,
    isAppendOnly: (stream: StreamName) => stream.startsWith('refusals/'),
  }
  const made = (n: number, position: string, stream = 'chat/a', revision: number | 'any' = n): StoredEvent => {
    const event = { stream: stream as StreamName, type: 'T', version: 1, data: '{}', metadata: '{}' }
    return {
      ...event,
      position: position as Position,
      sequence: n,
      revision: n,
      mac: testMacs.make({ incarnation: 'first', ...event, revision }),
    }
  }

  test('is not archived if its position is not above the one before', () => {
    const { events, fault } = authenticate(authentication, null, [made(1, '5-1'), made(2, '5-2'), made(3, '5-2')])
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2])
    expect(fault).toMatchObject({ code: 'archive_out_of_order', at: '5-2' })
  })

  test('has a MAC over any revision only on an append-only stream', () => {
    const faultOn = (stream: string) => authenticityFault(authentication, made(1, '1-1', stream, 'any'))
    expect(faultOn('refusals/2026-11-23')).toBeNull()
    expect(faultOn('chat/a')).toMatchObject({ code: 'forged_event' })
  })

  test('with a MAC under an unknown key is not reported as forged', () => {
    expect(authenticityFault(authentication, { ...made(1, '1-1'), mac: 'other1.AAAA' })).toMatchObject({
      code: 'event_key_unknown',
      at: '1-1',
    })
  })
})
