import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { positionTimeMs, type Position } from '../../../src/events/identifiers.ts'
import { costs } from '../../../src/projections/costs.ts'
import { migrate } from '../../../src/projections/engine/migrate.ts'
import { readModels } from '../../../src/projections/read-models.ts'
import { fieldOf, withFields } from '../../support/audited.ts'
import { council as cli, unreachableDatabase } from '../../support/cli.ts'
import { newId, openTestCouncil, type TestCouncil } from '../../support/council.ts'
import { databaseKinds, type TestDatabase } from '../../support/databases.ts'
import { answeredPrompt, applyStep, newPrompt, type PromptRun } from '../../support/history.ts'
import { rebuildNow } from '../../support/read-models.ts'
import { freshCouncilId, redisUrl } from '../../support/shared-servers.ts'

describe.each(databaseKinds)('with read models on $kind,', ({ open }) => {
  let db: TestDatabase
  let council: TestCouncil
  let told: PromptRun[]
  let settings: Record<string, string>
  beforeAll(async () => {
    db = await open()
    council = await openTestCouncil(redisUrl, freshCouncilId())
    settings = { REDIS_URL: redisUrl, DATABASE_URL: db.url, COUNCIL_ID: council.councilId }
    told = [await answeredPrompt(council), newPrompt('Who gave up?'), await answeredPrompt(council)]
    for (const step of ['submit', 'attempt', 'call', 'settle_unknown', 'call', 'fail'] as const)
      await applyStep(council, told[1]!, step)
    await db.empty()
    await migrate(db.postgres)
  })
  afterAll(async () => {
    council.close()
    await db.close()
  })

  const debits = async () =>
    (await council.events()).filter(({ type }) => type === 'BudgetDebited').map(({ position }) => position)

  describe('council rebuild', () => {
    test('rebuilds the named read model and prints the result', async () => {
      const run = await cli(settings, ['rebuild', 'costs', '--json'])
      const events = (await council.events()).length
      expect(run.code).toBe(0)
      const [seconds, rate] = [expect.any(Number), expect.any(Number)]
      expect(run.json()).toEqual([{ projection: 'costs', generation: 1, events, seconds, rate }])
    })

    test('rebuilds all read models without a name', async () => {
      const run = await cli(settings, ['rebuild'])
      const { length } = await council.events()
      const rebuilt = (name: string) =>
        `${name.padEnd(9)} generation ${name === 'costs' ? 2 : 1}: ${length} events in .*\n`
      expect(run.stdout).toMatch(new RegExp(`^${readModels.map(({ name }) => rebuilt(name)).join('')}$`))
    })

    test('stops at Ctrl-C, and the old generation keeps serving', async () => {
      const before = await db.dump('read_models.costs')
      const stderr = expect.stringContaining('(interrupted)')
      const run = await cli(settings, ['rebuild', 'costs'], { interrupted: AbortSignal.abort() })
      expect(run).toMatchObject({ code: 130, stdout: '', stderr })
      expect(await db.dump('read_models.costs')).toEqual(before)
    })
  })

  describe('council audit cost', () => {
    test('prints every call, every request and the total, and that the read model agrees', async () => {
      await rebuildNow(council.log, db.postgres, costs)
      const run = await cli(settings, ['audit', 'cost', '--json'])
      expect(run).toMatchObject({ code: 0, stderr: '' })
      const rows = run.json()
      const positions = await debits()
      const calls = rows.filter(({ kind }) => kind === 'call')
      expect(calls.map(({ position, costMicros, usage }) => [position, costMicros, usage])).toEqual([
        [positions[0], 38, 'reported'],
        [positions[1], 38, 'reported'],
        [positions[2], 900, 'unknown'],
        [positions[3], 38, 'reported'],
      ])
      expect(new Set(calls.map(({ priceRef }) => priceRef))).toEqual(new Set(['test-model@150/600']))
      expect(rows.filter(({ kind }) => kind === 'request')).toContainEqual({
        kind: 'request',
        requestId: told[1]!.requestId,
        calls: 2,
        promptTokens: 240,
        cachedPromptTokens: 0,
        completionTokens: 68,
        costMicros: 938,
        callsOfUnknownUsage: 1,
        positions: positions.slice(2),
      })
      expect(rows.at(-1)).toMatchObject({
        kind: 'total',
        requests: 3,
        calls: 4,
        costMicros: 1014,
        first: positions[0],
        last: positions[3],
        readModel: { state: 'agrees', rows: 4 },
      })
    })

    test('prints the agreement of the read model without --json', async () => {
      const { stdout } = await cli(settings, ['audit', 'cost'])
      expect(stdout).toContain('total  $0.001014 (1,014 µ$), 4 calls, 3 requests')
      expect(stdout).toContain('read model agrees: 4 rows, at')
    })

    test('covers only the given range', async () => {
      const positions = await debits()
      const total = async (...args: string[]) =>
        (await cli(settings, ['audit', 'cost', '--json', ...args])).json().at(-1)
      expect(await total('--from', positions[2]!)).toMatchObject({
        calls: 2,
        costMicros: 938,
        readModel: { state: 'agrees', rows: 2 },
      })
      expect(await total('--to', positions[0]!)).toMatchObject({ calls: 1, costMicros: 38 })
      expect(await total('--from', '2100-01-01')).toMatchObject({
        calls: 0,
        costMicros: 0,
        first: null,
        readModel: { state: 'agrees', rows: 0 },
      })
      const dayOf = (position: Position) => new Date(positionTimeMs(position)).toISOString().slice(0, 10)
      const whole = await total('--from', dayOf(positions[0]!), '--to', dayOf(positions.at(-1)!))
      expect(whole).toMatchObject({ calls: 4, costMicros: 1014 })
      expect((await cli(settings, ['audit', 'cost', '--from', positions[1]!, '--to', positions[0]!])).code).toBe(2)
    })

    const secondDebit = `position = (select position from read_models.costs order by sequence limit 1 offset 1)`
    test.each([
      [
        'a changed figure',
        'actual_micros is 37, the log says 38',
        `update read_models.costs set actual_micros = 37 where ${secondDebit}`,
      ],
      ['a missing row', 'lacks the debit at', `delete from read_models.costs where ${secondDebit}`],
      [
        'a row without an event',
        'that is not in the log',
        `insert into read_models.costs select 3, '5-5', stream, 'invented', request_id, asker, agent, model, phase, member, usage,
          prompt_tokens, cached_prompt_tokens, completion_tokens, price_ref, 1, settled_at from read_models.costs limit 1`,
      ],
    ])('reports %s in the read model as the first difference', async (_, difference, statement) => {
      await rebuildNow(council.log, db.postgres, costs)
      await db.postgres.transaction((tx) => sql.raw(statement).execute(tx))
      const run = await cli(settings, ['audit', 'cost', '--json'])
      expect(run.code).toBe(1)
      const message = expect.stringContaining(difference)
      expect(JSON.parse(run.stderr)).toMatchObject({ code: 'read_model_differs', message })
      expect(run.json().at(-1)).toMatchObject({ costMicros: 1014, readModel: { state: 'differs' } })
    })

    test('reports how far the read model lags', async () => {
      await rebuildNow(council.log, db.postgres, costs)
      const position = await council.log.head()
      const later = await answeredPrompt(council)
      const run = await cli(settings, ['audit', 'cost', '--json', '--to', position])
      expect(run.json().at(-1)).toMatchObject({ readModel: { state: 'agrees' } })
      const now = await cli(settings, ['audit', 'cost', '--json'])
      expect(now.code).toBe(0)
      const readModel = { state: 'behind', position, missing: 1, rows: 4 }
      expect(now.json().at(-1)).toMatchObject({ calls: 5, readModel })
      expect(now.stdout).toContain(later.requestId)
    })

    test('prints the figures of the log when Postgres is unreachable', async () => {
      const run = await cli({ ...settings, DATABASE_URL: unreachableDatabase }, ['audit', 'cost', '--json'])
      expect(run.code).toBe(0)
      const readModel = { state: 'unavailable', message: expect.stringContaining('Postgres does not answer') }
      expect(run.json().at(-1)).toMatchObject({ calls: 5, readModel })
    })
  })
})

describe('council audit request', () => {
  let council: TestCouncil
  let settings: Record<string, string>
  beforeAll(async () => {
    council = await openTestCouncil(redisUrl, freshCouncilId())
    settings = { REDIS_URL: redisUrl, COUNCIL_ID: council.councilId }
  })
  afterAll(() => council.close())

  test('prints every event of one prompt, and a bill that equals its debits', async () => {
    const { requestId } = await answeredPrompt(council)
    await answeredPrompt(council)
    const run = await cli(settings, ['audit', 'request', requestId, '--json'])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    const rows = run.json()
    expect(rows.slice(0, -2).map(({ type }) => type)).toEqual([
      ...['PromptSubmitted', 'AttemptStarted', 'RequestRouted', 'ModelCallStarted', 'BudgetOpened', 'BudgetReserved'],
      ...['ModelCallEnded', 'AnswerCompleted', 'BudgetDebited'],
    ])
    expect(rows.at(-2)).toEqual({
      kind: 'cost',
      phase: 'answer',
      member: 'fast',
      calls: 1,
      costMicros: 38,
      positions: [rows[8]?.['position']],
    })
    expect(rows.at(-1)).toMatchObject({
      kind: 'summary',
      requestId,
      status: 'completed',
      path: 'fast',
      attempts: 1,
      calls: 1,
      debitedMicros: 38,
      billedMicros: 38,
      positions: { first: rows[0]?.['position'], last: rows[8]?.['position'] },
    })
    const { stdout } = await cli(settings, ['audit', 'request', requestId])
    expect(stdout).toContain('completed  1 attempt(s), 1 call(s), debited $0.000038 (38 µ$), billed $0.000038 (38 µ$)')
  })

  test('finds a bill that differs from the debits', async () => {
    const told = newPrompt()
    for (const step of ['submit', 'attempt', 'stop'] as const) await applyStep(council, told, step)
    const { redis, keys } = council
    const entries = await redis.xrange(keys.log, '-', '+')
    const debit = entries.findLast((entry) => fieldOf(entry, 'type') === 'BudgetDebited')!
    const data = JSON.parse(fieldOf(debit, 'data')) as object
    const forged = withFields(debit, {
      sequence: entries.length + 1,
      revision: 9,
      data: JSON.stringify({ ...data, requestId: told.requestId, actualMicros: 5 }),
    })
    const position = await redis.xadd(keys.log, '*', ...forged[1])
    const run = await cli(settings, ['audit', 'request', told.requestId])
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('bill_differs') })
    expect(run.stderr).toContain(`billed 0 µ$, but 5 µ$ were debited for it, at ${position}`)
  })

  test('reports an unknown prompt', async () => {
    const stderr = expect.stringContaining('request_unknown')
    expect(await cli(settings, ['audit', 'request', newId()])).toMatchObject({ code: 1, stdout: '', stderr })
  })
})
