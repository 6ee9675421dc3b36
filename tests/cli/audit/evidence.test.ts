import { beforeAll, describe, expect, test } from 'vitest'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
import { costs } from '../../../src/projections/costs.ts'
import { auditedForTests, fieldOf } from '../../support/audited.ts'
import { council as cli, unreachableDatabase } from '../../support/cli.ts'
import { newId } from '../../support/council.ts'
import { databaseKinds } from '../../support/databases.ts'
import { answeredByCouncil, type Deliberation } from '../../support/deliberation.ts'
import { rebuildNow } from '../../support/read-models.ts'
import { id } from '../../support/treasury.ts'

const ballots = { analyst: ['B', 'C'], sceptic: ['C', 'A'], pragmatist: ['B', 'A'] }

describe.each(databaseKinds)('an audit of a part of the log, on $kind,', ({ open }) => {
  const audited = auditedForTests({ open })
  let told: Deliberation
  let head: string
  beforeAll(async () => {
    const { council, db } = audited
    told = await answeredByCouncil(council, ballots)
    await answeredByCouncil(council, ballots)
    await audited.archive()
    await rebuildNow(council.log, db.postgres, costs)
    head = await council.log.head()
  })

  const audit = async (args: readonly string[], settings: Record<string, string> = audited.settings) => {
    const run = await cli(settings, ['audit', ...args, '--json'])
    return { ...run, rows: run.stdout === '' ? [] : run.json() }
  }
  const request = () => ['request', told.requestId]
  const withoutIndex = () => ({ ...audited.settings, DATABASE_URL: unreachableDatabase })
  /** Everything but how it was found. */
  const report = (rows: Record<string, unknown>[]) => rows.map(({ foundBy: _, readModel: __, ...row }) => row)

  test('finds the same events by its indexes as by reading the whole log', async () => {
    const [indexed, read] = [await audit(request()), await audit(request(), withoutIndex())]
    expect(indexed).toMatchObject({ code: 0, stderr: '' })
    expect(report(indexed.rows)).toEqual(report(read.rows))
    expect(indexed.rows.filter(({ kind }) => kind === 'event').length).toBe(36)
    const { length } = await audited.entries()
    expect(indexed.rows.at(-1)?.['foundBy']).toEqual({
      events: { indexedTo: head, scanned: 0 },
      debits: { indexedTo: head, scanned: 0 },
    })
    expect(read.rows.at(-1)?.['foundBy']).toEqual({
      events: { indexedTo: null, scanned: length },
      debits: { indexedTo: null, scanned: length },
    })
    for (const account of ['agent:ada', 'reserve', 'spend'])
      expect(report((await audit(['account', account])).rows)).toEqual(
        report((await audit(['account', account], withoutIndex())).rows),
      )
  })

  test('reads the events that are not indexed yet, one by one', async () => {
    const { council } = audited
    const later = await answeredByCouncil(council, ballots)
    const { code, rows } = await audit(['request', later.requestId])
    const scanned = (await audited.entries()).filter(
      ([position]) => Number(position.split('-')[0]) > Number(head.split('-')[0]),
    )
    expect(code).toBe(0)
    expect(rows.at(-1)).toMatchObject({
      status: 'completed',
      foundBy: { events: { indexedTo: head, scanned: scanned.length } },
    })
    const [from, to] = [id('reserve'), id('agent:bob')]
    await council.execute(TransferFunds, { transferId: newId(), from, to, amountMicros: 1, reason: 'late' })
    expect((await audit(['account', 'agent:bob'])).rows.at(-1)).toMatchObject({ balanceMicros: 20_000_001 })
  })

  test('still finds events that were trimmed from Redis', async () => {
    const before = await audit(request())
    const { redis, keys } = audited.council
    const all = await audited.entries()
    await redis.xtrim(keys.log, 'MINID', '=' as never, head)
    const after = await audit(request())
    expect(report(after.rows)).toEqual(report(before.rows))
    const account = await audit(['account', 'agent:ada'])
    expect(account).toMatchObject({ code: 0 })
    await audited.rewrite(() => all)
  })

  const restored = async (statement: string, undo: string, check: () => Promise<void>) => {
    await audited.query(statement)
    await check()
    await audited.query(undo)
    expect(await audit(request())).toMatchObject({ code: 0 })
  }

  test('reports an index that names a wrong place', async () => {
    const [first, second] = (await audited.db.rows('read_models.costs'))
      .filter(({ request_id }) => request_id === told.requestId)
      .map(({ position }) => String(position))
    const move = (from?: string, to?: string) =>
      `update read_models.costs set position = '${to}' where position = '${from}' and request_id = '${told.requestId}'`
    await restored(move(first, '5-5'), move('5-5', first), async () => {
      expect(await audit(request())).toMatchObject({ code: 1, stderr: expect.stringContaining('evidence_differs') })
    })
    const lost = `delete from read_models.costs where position = '${second}'`
    await audited.query(lost)
    const run = await audit(request())
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('read_model_differs') })
    expect(run.stderr).toContain(`lacks the debit at ${second}`)
    await rebuildNow(audited.council.log, audited.db.postgres, costs)
  })

  test('reports a stream of the archive that lacks an event, and one that has another event than the log', async () => {
    const chat = `chat/${told.requestId}`
    await restored(
      `update event_archive set stream = 'chat/lost' where stream = '${chat}' and revision = 3`,
      `update event_archive set stream = '${chat}' where stream = 'chat/lost'`,
      async () => {
        const run = await audit(request())
        expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('evidence_differs') })
        expect(run.stderr).toContain(`${chat} has no revision 3`)
      },
    )
    const question = 'Which one is it?'
    await restored(
      `update event_archive set data = replace(data, '"text":"', '"text":"${question}') where stream = '${chat}' and revision = 1`,
      `update event_archive set data = replace(data, '${question}', '') where stream = '${chat}' and revision = 1`,
      async () => {
        const run = await audit(request())
        expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('evidence_differs') })
        expect(run.stderr).toContain('the archive has PromptSubmitted')
      },
    )
  })

  test('reports a call that ended in the chat and not in its budget', async () => {
    const debit = (await audited.entries()).findLast(
      (entry) => fieldOf(entry, 'type') === 'BudgetDebited' && fieldOf(entry, 'data').includes(told.requestId),
    )
    const all = await audited.entries()
    await audited.rewrite((entries) => entries.filter(([position]) => position !== debit?.[0]))
    const run = await audit(request(), withoutIndex())
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('evidence_differs') })
    expect(run.stderr).toContain('its end is not in budget/council/')
    await audited.rewrite(() => all)
  })

  test('takes no archive of another log for its own', async () => {
    await audited.query(
      `update event_archive set metadata = replace(metadata, '"eventId":"', '"eventId":"x') where position = '${head}'`,
    )
    const { code, rows } = await audit(request())
    expect(code).toBe(0)
    expect(rows.at(-1)).toMatchObject({ foundBy: { events: { indexedTo: null } } })
    await audited.query(
      `update event_archive set metadata = replace(metadata, '"eventId":"x', '"eventId":"') where position = '${head}'`,
    )
  })

  test('says that it reads many events one by one while nothing archives them', async () => {
    const { council } = audited
    await Promise.all(
      Array.from({ length: 5_000 }, (_, n) => council.execute(OpenAccount, { account: id(`agent:filler-${n}`) })),
    )
    const run = await audit(['account', 'reserve'])
    expect(run.code).toBe(0)
    expect(run.stderr).toMatch(/the archive ends at \d+-\d+, so 10,\d{3} events are read one by one/)
    const unarchived = await cli(withoutIndex(), ['audit', ...request()])
    expect(unarchived.stderr).toMatch(/the archive cannot be used \(Postgres does not answer/)
    expect(unarchived.stderr).toMatch(/the read model costs cannot be used/)
  })
})
