import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { fieldOf, openAuditedCouncil, withField, type AuditedCouncil } from '../../support/audited.ts'
import { council as cli } from '../../support/cli.ts'
import { databaseKinds, type TestDatabase } from '../../support/databases.ts'
import { answeredPrompt } from '../../support/history.ts'
import { redisUrl } from '../../support/shared-servers.ts'
import { id } from '../../support/treasury.ts'

const [postgresql] = databaseKinds

describe.each(databaseKinds)('council audit verify on $kind', ({ open }) => {
  let db: TestDatabase
  let audited: AuditedCouncil
  beforeAll(async () => {
    db = await open()
    audited = await openAuditedCouncil(redisUrl, db)
  })
  afterAll(async () => {
    audited.council.close()
    await db.close()
  })

  test('finds no fault in what the gates wrote, before and after it is archived, in part and whole', async () => {
    const { verify, entries, archive, council } = audited
    expect(await verify()).toMatchObject({
      code: 0,
      faults: [],
      summary: { ok: true, archive: null, macs: { unvouched: 0 } },
    })
    await archive()
    await answeredPrompt(council)
    const all = await entries()
    const { code, summary } = await verify()
    expect(code).toBe(0)
    expect(summary).toMatchObject({
      events: all.length,
      first: all[0]?.[0],
      last: all.at(-1)?.[0],
      macs: { genuine: all.length, unvouched: 0 },
      ledger: { sumMicros: 0 },
      archive: { sequence: all.length - 8, trimmed: 0 },
      readModels: [
        { projection: 'chats', state: 'compared', differences: 0 },
        { projection: 'costs' },
        { projection: 'accounts', rows: 5 },
      ],
    })
    expect(summary['states']).toEqual({ agree: await council.redis.hlen(council.keys.states), otherFold: 0 })
    await archive()
    expect(await verify()).toMatchObject({ code: 0, faults: [] })
  })

  test('leaves nothing in the database', async () => {
    const schemas = () => db.rows('pg_catalog.pg_namespace')
    const before = await schemas()
    await audited.verify()
    expect(await schemas()).toHaveLength(before.length)
  })

  test('tells people what it looked at, and what it cannot know', async () => {
    const { stdout, code } = await cli(audited.settings, ['audit', 'verify'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^log +\d+ events.*\nhash chain +[0-9a-f]{64}\n/)
    expect(stdout).toMatch(/not known +whether the owner of this machine [^]*\nno fault\n$/)
  })
})

describe('council audit verify finds', () => {
  let db: TestDatabase
  let audited: AuditedCouncil
  beforeAll(async () => {
    db = await postgresql!.open()
  })
  beforeEach(async () => {
    audited = await openAuditedCouncil(redisUrl, db)
    await audited.archive()
  })
  afterEach(() => audited.council.close())
  afterAll(() => db.close())

  /** The position of the nth event. */
  const at = async (n: number) => (await audited.entries())[n - 1]?.[0]
  const expectFirst = async (code: string, position: string | undefined, ...args: string[]) => {
    const verified = await audited.verify(...args)
    expect(verified.faults[0]).toMatchObject({ code, position })
    expect(verified).toMatchObject({ code: 1, summary: { ok: false, firstFault: { code, position } } })
    return verified
  }

  test('a flipped byte in Redis', async () => {
    await audited.rewrite((entries) =>
      entries.map((entry, index) =>
        index === 7 ? withField(entry, 'data', fieldOf(entry, 'data').replace('100000000', '900000000')) : entry,
      ),
    )
    const { faults } = await expectFirst('differs_from_archive', await at(8))
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatchObject({
      sequence: 8,
      message: expect.stringContaining(
        "first in data; by their MACs the archive's event is genuine and the one in Redis not genuine",
      ),
    })
  })

  test('a flipped byte in the archive', async () => {
    await audited.query(`update event_archive set data = replace(data, '100000000', '900000000') where sequence = 8`)
    const { faults } = await expectFirst('mac_forged', await at(8))
    expect(faults.map(({ code, sequence }) => [code, sequence])).toEqual(
      expect.arrayContaining([
        ['chain_broken', 8],
        ['differs_from_archive', 8],
        ['ledger_unbalanced', 8],
      ]),
    )
    expect(faults.filter(({ code }) => code === 'chain_broken')).toHaveLength(1)
  })

  test('an event removed from Redis', async () => {
    const removed = await at(20)
    await audited.council.redis.xdel(audited.council.keys.log, removed!)
    const { faults } = await expectFirst('removed_event', removed)
    expect(faults).toHaveLength(1)
  })

  test('an event removed from the archive', async () => {
    await audited.query('delete from event_archive where sequence = 20')
    await expectFirst('missing_in_archive', await at(20))
  })

  test('an event removed from both', async () => {
    const [removed, next] = [await at(20), await at(21)]
    await audited.council.redis.xdel(audited.council.keys.log, removed!)
    await audited.query('delete from event_archive where sequence = 20')
    const { faults } = await expectFirst('sequence_gap', next)
    expect(faults.map(({ code }) => code)).toContain('chain_broken')
  })

  test('two events that changed places in Redis', async () => {
    await audited.rewrite((entries) => {
      const [first, second] = [entries[10]!, entries[11]!]
      return entries.with(10, [first[0], second[1]]).with(11, [second[0], first[1]])
    })
    await expectFirst('differs_from_archive', await at(11))
  })

  test('two events that changed places in the archive', async () => {
    const texts = ['stream', 'revision', 'type', 'version', 'data', 'metadata', 'mac'].join(', ')
    await audited.query('alter table event_archive drop constraint event_archive_stream_revision_key')
    await audited.query(`
      update event_archive as one set (${texts}) = (select ${texts} from event_archive as two where two.sequence = 23 - one.sequence) where sequence in (11, 12)`)
    const { faults } = await expectFirst('chain_broken', await at(11))
    expect(faults.map(({ code, sequence }) => `${String(code)} ${String(sequence)}`)).toEqual(
      expect.arrayContaining(['chain_broken 11', 'chain_broken 12', 'differs_from_archive 11']),
    )
  })

  test('two events that changed their numbers in the archive', async () => {
    await audited.query('update event_archive set sequence = -sequence where sequence in (11, 12)')
    await audited.query('update event_archive set sequence = 23 + sequence where sequence < 0')
    await expectFirst('position_out_of_order', await at(11))
  })

  test('a tail that Redis lost', async () => {
    const lost = await at(38)
    await audited.rewrite((entries) => entries.slice(0, 37))
    await expectFirst('truncated_tail', lost)
  })

  test('a tail that the archive lost', async () => {
    const lost = await at(38)
    await audited.query('delete from event_archive where sequence >= 38')
    await expectFirst('missing_in_archive', lost)
  })

  test('an event forged with XADD', async () => {
    const { redis, keys } = audited.council
    const newest = (await audited.entries()).at(-1)!
    const fields = withField(
      withField(newest, 'sequence', String(Number(fieldOf(newest, 'sequence')) + 1)),
      'revision',
      String(Number(fieldOf(newest, 'revision')) + 1),
    )[1]
    const forged = await redis.xadd(keys.log, '*', ...fields)
    await expectFirst('mac_forged', forged!)
  })

  test('an entry forged with XADD that is no event at all', async () => {
    const forged = await audited.council.redis.xadd(audited.council.keys.log, '*', 'what', 'ever')
    await expectFirst('malformed_event', forged!)
  })

  test('a MAC copied to another event', async () => {
    const { redis, keys } = audited.council
    const all = await audited.entries()
    const [newest, other] = [all.at(-1)!, all[3]!]
    const forged = await redis.xadd(
      keys.log,
      '*',
      ...withField(withField(other, 'sequence', String(all.length + 1)), 'mac', fieldOf(newest, 'mac'))[1],
    )
    await expectFirst('mac_forged', forged!)
  })

  test('a genuine refusal that is written a second time', async () => {
    const { redis, keys } = audited.council
    const all = await audited.entries()
    const refusal = all.find((entry) => fieldOf(entry, 'type') === 'CommandRefused')!
    const copied = await redis.xadd(
      keys.log,
      '*',
      ...withField(withField(refusal, 'sequence', String(all.length + 1)), 'revision', '2')[1],
    )
    await expectFirst('event_repeated', copied!)
  })

  test('a finished prompt that is begun again with its own genuine events', async () => {
    const { redis, keys } = audited.council
    const all = await audited.entries()
    const first = all.find((entry) => fieldOf(entry, 'type') === 'PromptSubmitted')!
    const copied = await redis.xadd(keys.log, '*', ...withField(first, 'sequence', String(all.length + 1))[1])
    await expectFirst('revision_repeated', copied!)
  })

  test('a state that was changed by hand, at the event that it should show', async () => {
    const { redis, keys } = audited.council
    const all = await audited.entries()
    const stored = await redis.hget(keys.states, 'account/agent:ada')
    await redis.hset(keys.states, 'account/agent:ada', stored!.replace('"balanceMicros":4', '"balanceMicros":9'))
    const last = all.findLast((entry) => fieldOf(entry, 'stream') === 'account/agent:ada')
    await expectFirst('state_differs', last?.[0])
  })

  test('states that are missing, too many or old', async () => {
    const { redis, keys } = audited.council
    const prompt = (await audited.entries()).find((entry) => fieldOf(entry, 'type') === 'AnswerCompleted')!
    await redis.hdel(keys.states, 'account/agent:bob')
    await redis.hset(
      keys.states,
      fieldOf(prompt, 'stream'),
      '1:1:{}',
      'account/agent:eve',
      '1:1:{}',
      'account/reserve',
      '1:1:{}',
    )
    const { faults } = await audited.verify()
    expect(new Set(faults.map(({ code, stream }) => `${String(code)} ${String(stream)}`))).toEqual(
      new Set([
        'state_missing account/agent:bob',
        'state_differs account/reserve',
        'state_surplus account/agent:eve',
        `state_surplus ${fieldOf(prompt, 'stream')}`,
      ]),
    )
  })

  test('a prompt that no worker will ever answer, and restore gives it a job again', async () => {
    const { redis, keys } = audited.council
    const lastOfOpen = (await audited.entries()).findLast((entry) => fieldOf(entry, 'type') === 'ModelCallStarted')!
    await redis.del(keys.work)
    const { faults } = await expectFirst('job_missing', lastOfOpen[0])
    expect(faults).toMatchObject([{ stream: fieldOf(lastOfOpen, 'stream') }])
    expect(await cli(audited.settings, ['restore'])).toMatchObject({ code: 0 })
    expect(await audited.verify()).toMatchObject({ code: 0, faults: [], summary: { jobs: { open: 1 } } })
  })

  test('a row of a read model that was changed, and one that is missing', async () => {
    await audited.query(`update accounts_1.accounts set balance_micros = 1 where account_id = 'agent:ada'`)
    await audited.query(`delete from costs_1.costs where sequence = (select max(sequence) from costs_1.costs)`)
    const debits = (await audited.entries()).filter((entry) => fieldOf(entry, 'type') === 'BudgetDebited')
    const { faults } = await audited.verify()
    expect(faults).toMatchObject([
      {
        code: 'read_model_differs',
        message: expect.stringContaining('agent:ada: balance_micros is 1, the log says 49300000'),
      },
      { code: 'read_model_differs', position: debits.at(-1)?.[0], message: expect.stringContaining('is missing') },
    ])
  })

  test('another log in Redis than in the archive', async () => {
    await audited.council.redis.hset(audited.council.keys.meta, 'incarnation', 'another')
    await expectFirst('other_log', '0-0')
  })

  test('events that were acknowledged and are nowhere', async () => {
    const { redis, keys } = audited.council
    await redis.hincrby(keys.meta, 'sequence', 1)
    await expectFirst('truncated_tail', (await audited.entries()).at(-1)?.[0])
  })
})

describe('council audit verify', () => {
  let db: TestDatabase
  let audited: AuditedCouncil
  beforeAll(async () => {
    db = await postgresql!.open()
    audited = await openAuditedCouncil(redisUrl, db)
  })
  afterAll(async () => {
    audited.council.close()
    await db.close()
  })

  test('says what it cannot know without the keys of the MACs', async () => {
    const run = await cli({ ...audited.settings, MAC_KEY_FILE: '/nowhere/mac-key' }, ['audit', 'verify', '--json'])
    expect(run.code).toBe(0)
    expect(run.json().at(-1)).toMatchObject({
      macs: null,
      unknown: expect.arrayContaining([expect.stringContaining('MAC_KEY_FILE')]),
    })
  })

  test('verifies what is in Redis when Postgres is away', async () => {
    const run = await cli({ ...audited.settings, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }, [
      'audit',
      'verify',
      '--json',
    ])
    expect(run.code).toBe(0)
    expect(run.json().at(-1)).toMatchObject({
      archive: null,
      readModels: [],
      unknown: expect.arrayContaining([expect.stringContaining('Postgres does not answer')]),
    })
  })

  test('lets a halted log be written to again, and not while it has a fault', async () => {
    const { redis, keys, execute } = audited.council
    await redis.hset(keys.meta, 'halted', 'OOM')
    const stored = await redis.hget(keys.states, 'account/reserve')
    await redis.hset(keys.states, 'account/reserve', '1:1:{}')
    expect(await audited.verify('--resume')).toMatchObject({ code: 1, summary: { halted: 'OOM', resumed: false } })
    await redis.hset(keys.states, 'account/reserve', stored!)
    expect(await audited.verify()).toMatchObject({ code: 0, summary: { resumed: false } })
    expect(await audited.verify('--resume')).toMatchObject({ code: 0, summary: { resumed: true } })
    expect(await execute(OpenAccount, { account: id('agent:eve') })).toMatchObject({ result: 'appended' })
  })

  test('finds no fault while commands are executed and archived', async () => {
    const stop = new AbortController()
    const busy = (async () => {
      while (!stop.signal.aborted) {
        await answeredPrompt(audited.council)
        await audited.archive()
      }
    })()
    for (let round = 0; round < 5; round++) expect(await audited.verify()).toMatchObject({ code: 0, faults: [] })
    stop.abort()
    await busy
  })
})
