import { beforeEach, describe, expect, test } from 'vitest'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { ReserveFunds } from '../../../src/commands/treasury/reserve-funds.ts'
import type { StreamEntry } from '../../../src/events/log/read/stored-event.ts'
import { auditedForTests, fieldOf, storyEvents, withFields } from '../../support/audited.ts'
import { council as cli, unreachableDatabase } from '../../support/cli.ts'
import { newId } from '../../support/council.ts'
import { databaseKinds } from '../../support/databases.ts'
import { answeredPrompt, eventsPerPrompt } from '../../support/history.ts'
import { id } from '../../support/treasury.ts'

describe.each(databaseKinds)('council audit verify on $kind', ({ open }) => {
  const audited = auditedForTests({ open })

  test('finds no fault in an honest log, before, during and after archiving', async () => {
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
      archive: { sequence: all.length - eventsPerPrompt, trimmed: 0 },
      readModels: [
        { projection: 'chats', state: 'compared', differences: 0 },
        { projection: 'costs' },
        { projection: 'budgets', state: 'compared', differences: 0, rows: 1 },
        { projection: 'policies', rows: 0 },
        { projection: 'prices', state: 'compared', differences: 0, rows: 1 },
        { projection: 'accounts', rows: 5 },
        { projection: 'entries', state: 'compared', differences: 0 },
        { projection: 'agents', rows: 0 },
        { projection: 'bounties', rows: 0 },
        { projection: 'elections', rows: 0 },
        { projection: 'members', rows: 1 },
        { projection: 'approvals', rows: 0 },
        { projection: 'mode_history', rows: 0 },
        { projection: 'tokens', rows: 0 },
        { projection: 'log_index', state: 'compared', differences: 0 },
      ],
    })
    expect(summary['states']).toEqual({ agree: await council.redis.hlen(council.keys.states), otherFold: 0 })
    await archive()
    expect(await verify()).toMatchObject({ code: 0, faults: [] })
  })

  test('leaves no schema in the database', async () => {
    const schemas = () => audited.db.rows('pg_catalog.pg_namespace')
    const before = await schemas()
    await audited.verify()
    expect(await schemas()).toHaveLength(before.length)
  })

  test('prints its scope and its limits without --json', async () => {
    const { stdout, code } = await cli(audited.settings, ['audit', 'verify'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^log +\d+ events.*\nhash chain +[0-9a-f]{64}\n/)
    expect(stdout).toMatch(/not known +whether the owner of this machine [^]*\nno fault\n$/)
  })
})

describe('council audit verify finds', () => {
  const audited = auditedForTests({ renewed: true })
  beforeEach(() => audited.archive())

  /** The position of the nth event. */
  const at = async (n: number) => (await audited.entries())[n - 1]?.[0]
  const newestOf = async (type: string): Promise<StreamEntry> =>
    (await audited.entries()).findLast((entry) => fieldOf(entry, 'type') === type)!

  /** Appends an entry with other values in some fields, with XADD; resolves with its position. */
  async function append(entry: StreamEntry, values: Record<string, string | number>): Promise<string> {
    const { redis, keys } = audited.council
    const sequence = (await audited.entries()).length + 1
    return (await redis.xadd(keys.log, '*', ...withFields(entry, { sequence, ...values })[1]))!
  }

  const expectFirst = async (code: string, position: string | undefined) => {
    const verified = await audited.verify()
    expect(verified.faults[0]).toMatchObject({ code, position })
    expect(verified).toMatchObject({ code: 1, summary: { ok: false, firstFault: { code, position } } })
    return verified.faults
  }
  const codesAndSequences = (faults: Record<string, unknown>[]) =>
    faults.map(({ code, sequence }) => `${String(code)} ${String(sequence)}`)

  test('a changed byte in Redis', async () => {
    await audited.rewrite((entries) =>
      entries.map((entry, index) =>
        index === 7 ? withFields(entry, { data: fieldOf(entry, 'data').replace('100000000', '900000000') }) : entry,
      ),
    )
    const message = expect.stringContaining(
      "first in data; by their MACs the archive's event is genuine and the one in Redis not genuine",
    )
    expect(await expectFirst('differs_from_archive', await at(8))).toMatchObject([{ sequence: 8, message }])
  })

  test('a changed byte in the archive', async () => {
    await audited.query(`update event_archive set data = replace(data, '100000000', '900000000') where sequence = 8`)
    const faults = codesAndSequences(await expectFirst('mac_forged', await at(8)))
    expect(faults).toEqual(expect.arrayContaining(['chain_broken 8', 'differs_from_archive 8', 'ledger_unbalanced 8']))
    expect(faults.filter((fault) => fault.startsWith('chain_broken'))).toHaveLength(1)
  })

  test('an event removed from Redis', async () => {
    const removed = await at(20)
    await audited.council.redis.xdel(audited.council.keys.log, removed!)
    expect(await expectFirst('removed_event', removed)).toHaveLength(1)
  })

  test('an event removed from both', async () => {
    const [removed, next] = [await at(20), await at(21)]
    await audited.council.redis.xdel(audited.council.keys.log, removed!)
    await audited.query('delete from event_archive where sequence = 20')
    const faults = await expectFirst('sequence_gap', next)
    expect(faults.map(({ code }) => code)).toContain('chain_broken')
  })

  test.each([
    ['an event removed from the archive', 'missing_in_archive', 20, ['delete from event_archive where sequence = 20']],
    [
      'a lost tail of the archive',
      'missing_in_archive',
      storyEvents,
      [`delete from event_archive where sequence >= ${storyEvents}`],
    ],
    [
      'two events of the archive with exchanged sequences',
      'position_out_of_order',
      11,
      [
        'update event_archive set sequence = -sequence where sequence in (11, 12)',
        'update event_archive set sequence = 23 + sequence where sequence < 0',
      ],
    ],
  ])('%s', async (_, code, sequence, statements) => {
    for (const statement of statements) await audited.query(statement)
    await expectFirst(code, await at(sequence))
  })

  test('two events with exchanged contents in Redis', async () => {
    await audited.rewrite((entries) => {
      const [first, second] = [entries[10]!, entries[11]!]
      return entries.with(10, [first[0], second[1]]).with(11, [second[0], first[1]])
    })
    await expectFirst('differs_from_archive', await at(11))
  })

  test('two events with exchanged contents in the archive', async () => {
    const texts = ['stream', 'revision', 'type', 'version', 'data', 'metadata', 'mac'].join(', ')
    await audited.query('alter table event_archive drop constraint event_archive_stream_revision_key')
    await audited.query(`
      update event_archive as one set (${texts}) = (select ${texts} from event_archive as two where two.sequence = 23 - one.sequence) where sequence in (11, 12)`)
    expect(codesAndSequences(await expectFirst('chain_broken', await at(11)))).toEqual(
      expect.arrayContaining(['chain_broken 11', 'chain_broken 12', 'differs_from_archive 11']),
    )
  })

  test('a lost tail of Redis', async () => {
    const lost = await at(storyEvents)
    await audited.rewrite((entries) => entries.slice(0, storyEvents - 1))
    await expectFirst('truncated_tail', lost)
  })

  test('an event forged with XADD', async () => {
    const newest = (await audited.entries()).at(-1)!
    const forged = await append(newest, { revision: Number(fieldOf(newest, 'revision')) + 1 })
    await expectFirst('mac_forged', forged)
  })

  test('an entry forged with XADD that is no event', async () => {
    const forged = await audited.council.redis.xadd(audited.council.keys.log, '*', 'what', 'ever')
    await expectFirst('malformed_event', forged!)
  })

  test('a MAC copied to another event', async () => {
    const entries = await audited.entries()
    await expectFirst('mac_forged', await append(entries[3]!, { mac: fieldOf(entries.at(-1)!, 'mac') }))
  })

  test('a genuine refusal that is written a second time', async () => {
    await expectFirst('event_repeated', await append(await newestOf('CommandRefused'), { revision: 2 }))
  })

  test('a finished prompt that begins again with its own genuine events', async () => {
    const first = (await audited.entries()).find((entry) => fieldOf(entry, 'type') === 'PromptSubmitted')!
    await expectFirst('revision_repeated', await append(first, {}))
  })

  test('a changed state, at the last event of its stream', async () => {
    const { redis, keys } = audited.council
    const stored = await redis.hget(keys.states, 'account/agent:ada')
    await redis.hset(keys.states, 'account/agent:ada', stored!.replace('"balanceMicros":4', '"balanceMicros":9'))
    const last = (await audited.entries()).findLast((entry) => fieldOf(entry, 'stream') === 'account/agent:ada')
    await expectFirst('state_differs', last?.[0])
  })

  test('states that are missing, surplus or old', async () => {
    const { redis, keys } = audited.council
    const finished = fieldOf(await newestOf('AnswerCompleted'), 'stream')
    await redis.hdel(keys.states, 'account/agent:bob')
    for (const stream of [finished, 'account/agent:eve', 'account/reserve'])
      await redis.hset(keys.states, stream, '1:1:{}')
    const { faults } = await audited.verify()
    expect(new Set(faults.map(({ code, stream }) => `${String(code)} ${String(stream)}`))).toEqual(
      new Set([
        'state_missing account/agent:bob',
        'state_differs account/reserve',
        'state_surplus account/agent:eve',
        `state_surplus ${finished}`,
      ]),
    )
  })

  test('a deadline that no state leads to, and one that is missing', async () => {
    const { council } = audited
    const { redis, keys } = council
    const reservationId = newId()
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const reserving = { account: id('agent:ada'), reservationId, amountMicros: 1_000, expiresAt }
    await council.execute(ReserveFunds, reserving, reservationId)
    expect(await audited.verify()).toMatchObject({ faults: [], summary: { deadlines: { indexed: 1 } } })
    await redis.zrem(keys.deadlines, 'account/agent:ada')
    await redis.zadd(keys.deadlines, 5, 'account/agent:bob', 6, 'chat/gone')
    const { faults } = await audited.verify()
    expect(new Set(faults.map(({ code, stream }) => `${String(code)} ${String(stream)}`))).toEqual(
      new Set(['account/agent:ada', 'account/agent:bob', 'chat/gone'].map((stream) => `deadline_differs ${stream}`)),
    )
    await redis.hdel(keys.meta, 'deadlines')
    const { summary } = await audited.verify()
    expect(summary).toMatchObject({ faults: 0, deadlines: null })
    expect(summary['unknown']).toContainEqual(expect.stringContaining('no scheduler'))
  })

  test('a prompt without a job, which restore creates again', async () => {
    const lastOfOpen = await newestOf('ModelCallStarted')
    await audited.council.redis.del(audited.council.keys.work)
    const faults = await expectFirst('job_missing', lastOfOpen[0])
    expect(faults).toMatchObject([{ stream: fieldOf(lastOfOpen, 'stream') }])
    expect(await cli(audited.settings, ['restore'])).toMatchObject({ code: 0 })
    expect(await audited.verify()).toMatchObject({ code: 0, faults: [], summary: { jobs: { open: 1 } } })
  })

  test('a changed row and a missing row of a read model', async () => {
    await audited.query(`update accounts_1.accounts set balance_micros = 1 where account_id = 'agent:ada'`)
    await audited.query(`delete from costs_1.costs where sequence = (select max(sequence) from costs_1.costs)`)
    const [position] = await newestOf('BudgetDebited')
    const changed = expect.stringContaining('agent:ada: balance_micros is 1, the log says 49300000')
    expect((await audited.verify()).faults).toMatchObject([
      { code: 'read_model_differs', message: changed },
      { code: 'read_model_differs', position, message: expect.stringContaining('is missing') },
    ])
  })

  test('a log in Redis that is not the log of the archive', async () => {
    await audited.council.redis.hset(audited.council.keys.meta, 'incarnation', 'another')
    await expectFirst('other_log', '0-0')
  })

  test('acknowledged events that are in neither store', async () => {
    const { redis, keys } = audited.council
    await redis.hincrby(keys.meta, 'sequence', 1)
    await expectFirst('truncated_tail', (await audited.entries()).at(-1)?.[0])
  })
})

describe('council audit verify', () => {
  const audited = auditedForTests()

  test.each([
    [
      'reports its limits without the keys of the MACs',
      { MAC_KEY_FILE: '/nowhere/mac-key' },
      { macs: null, unknown: expect.arrayContaining([expect.stringContaining('MAC_KEY_FILE')]) },
    ],
    [
      'verifies the log in Redis when Postgres is unreachable',
      { DATABASE_URL: unreachableDatabase },
      {
        archive: null,
        readModels: [],
        unknown: expect.arrayContaining([expect.stringContaining('Postgres does not answer')]),
      },
    ],
  ])('%s', async (_, settings, summary) => {
    const run = await cli({ ...audited.settings, ...settings }, ['audit', 'verify', '--json'])
    expect(run.code).toBe(0)
    expect(run.json().at(-1)).toMatchObject(summary)
  })

  test('resumes a halted log only if it has no fault', async () => {
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

  test('finds no fault while commands run and events are archived', async () => {
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
