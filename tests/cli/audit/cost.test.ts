import { beforeAll, describe, expect, test } from 'vitest'
import { ReportHardLimit } from '../../../src/commands/budget/report-hard-limit.ts'
import { SetBudgetPolicy } from '../../../src/commands/budget/set-budget-policy.ts'
import { ListPrice } from '../../../src/commands/prices/list-price.ts'
import { councilScope } from '../../../src/events/policy.ts'
import { PriceName } from '../../../src/events/prices.ts'
import { costs } from '../../../src/projections/costs.ts'
import { auditedForTests, withFields, fieldOf } from '../../support/audited.ts'
import { today } from '../../support/budget-calls.ts'
import { council as cli } from '../../support/cli.ts'
import { answeredPrompt, applyStep, newPrompt, type PromptRun } from '../../support/history.ts'
import { rebuildNow } from '../../support/read-models.ts'

const audited = auditedForTests()
let lost: PromptRun
let debits: string[]
beforeAll(async () => {
  const { council, db } = audited
  lost = newPrompt('Who gave up?')
  for (const step of ['submit', 'attempt', 'call', 'settle_unknown', 'call', 'fail'] as const)
    await applyStep(council, lost, step)
  await rebuildNow(council.log, db.postgres, costs)
  const { events } = council
  debits = (await events()).filter(({ type }) => type === 'BudgetDebited').map(({ position }) => position)
})

const audit = (...args: string[]) => cli(audited.settings, ['audit', 'cost', ...args])
const rowsOf = async (...args: string[]) => (await audit(...args, '--json')).json()
const groupsOf = async (...args: string[]) => (await rowsOf(...args)).filter(({ kind }) => kind === 'group')

describe('council audit cost', () => {
  test('sums by any grouping, to the same total', async () => {
    for (const by of ['model', 'member', 'agent', 'user', 'request', 'phase', 'hour', 'day', 'model,user,day']) {
      const groups = await groupsOf('--by', by)
      expect(groups.reduce((sum, { costMicros }) => sum + Number(costMicros), 0)).toBe(38 + 38 + 938)
      expect(groups.every((group) => by.split(',').every((name) => name in group))).toBe(true)
    }
  })

  test('explains each figure by the positions of its events', async () => {
    const groups = await groupsOf('--by', 'request', '--explain')
    expect(groups.find(({ request }) => request === lost.requestId)).toMatchObject({
      calls: 2,
      costMicros: 938,
      callsOfUnknownUsage: 1,
      positions: { first: debits[2], last: debits[3] },
      from: { all: debits.slice(2), unknownUsage: [debits[2]] },
    })
    const total = (await rowsOf('--explain')).at(-1)
    const credits = (await audited.council.events()).filter(
      ({ type, stream, data }) => type === 'AccountCredited' && stream === 'account/spend' && 'transferId' in data,
    )
    expect(total).toMatchObject({ positions: debits })
    // Another credit settles a reservation of the story, which no model call made.
    expect((total?.['ledger'] as { positions: string[] }).positions).toEqual(
      credits
        .filter(({ data }) => 'reason' in data && data.reason === 'pays a model call')
        .map(({ position }) => position),
    )
    const { stdout } = await audit('--by', 'request', '--explain')
    expect(stdout).toContain(`    from ${debits.slice(2).join(', ')}\n    unknown usage: ${debits[2]}\n`)
  })

  test('says that the budgets and the ledger agree on the total', async () => {
    expect((await rowsOf()).at(-1)).toMatchObject({
      kind: 'total',
      costMicros: 1_014,
      ledger: { state: 'agrees', paidMicros: 1_014, unpaidMicros: 0 },
      readModel: { state: 'agrees' },
    })
    expect((await audit()).stdout).toContain(
      'ledger agrees: budget/council/… was debited 1,014 µ$, account/spend got 1,014 µ$ for the same calls\n',
    )
  })

  test('selects a range by positions, and by days of a time zone', async () => {
    expect((await rowsOf('--from', debits[2]!)).at(-1)).toMatchObject({ calls: 2, ledger: { paidMicros: 938 } })
    const settledAt = (await rowsOf())[0]?.['settledAt']
    const day = (timeZone: string) =>
      Temporal.Instant.from(String(settledAt)).toZonedDateTimeISO(timeZone).toPlainDate().toString()
    for (const zone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
      const range = ['--time-zone', zone, '--from', day(zone), '--to', day(zone)]
      expect((await groupsOf('--by', 'day', ...range))[0]).toMatchObject({ day: day(zone) })
    }
  })

  test('prints a CSV file of calls or of groups, and the total on stderr', async () => {
    const calls = await audit('--csv')
    const [names, first] = calls.stdout.split('\r\n')
    expect(names).toBe(
      'position,stream,requestId,callId,user,agent,model,phase,member,usage,promptTokens,cachedPromptTokens,completionTokens,priceRef,costMicros,settledAt',
    )
    expect(first).toMatch(new RegExp(`^${debits[0]},.*,tester,,test-model,answer,fast,reported,120,,34,.*,38,.*Z$`))
    expect(calls.stderr).toContain('total  $0.001014')
    const groups = await audit('--csv', '--by', 'user,day', '--explain')
    expect(groups.stdout).toMatch(
      /^user,day,opensAt,closesAt,calls,promptTokens,cachedPromptTokens,completionTokens,costMicros,callsOfUnknownUsage,first,last,positions\r\ntester,/,
    )
    const none = await audit('--csv', '--by', 'day', '--from', '2100-01-01')
    expect(none.stdout).toMatch(/^day,opensAt,closesAt,calls,[^\r]*\r\n$/)
  })

  test.each([
    ['--by', 'weather'],
    ['--by', 'model,model'],
    ['--time-zone', 'Mars/Olympus'],
    ['--from', 'yesterday'],
    ['--csv', '--json'],
    ['--from', '2026-11-24', '--to', '2026-11-23'],
  ])('takes no %s %s', async (...args) => {
    expect(await audit(...args)).toMatchObject({ code: 2, stdout: '' })
  })

  test('counts the users and agents of a policy once', async () => {
    await audited.council.execute(SetBudgetPolicy, { ...policy, scope: 'user:tester' as never })
    await answeredPrompt(audited.council)
    expect((await groupsOf('--by', 'user'))[0]).toMatchObject({ user: 'tester', costMicros: 1_052 })
  })

  test('explains the price of each call, and ends with price_differs where the tokens cost another amount at it', async () => {
    const priceRef = 'test-model@150/600'
    const pricesOf = async () => (await rowsOf('--explain')).filter(({ kind }) => kind === 'price')
    const charged = { priceRef, calls: 5, costMicros: 1_052 }
    expect(await pricesOf()).toEqual([{ kind: 'price', ...charged, listed: null, differing: [] }])
    // 120 tokens in and 34 out cost 38 µ$ at these rates, and 39 µ$ at those that the reference names.
    const rates = { promptMicrosPer1000: 150, cachedPromptMicrosPer1000: 150, completionMicrosPer1000: 588 }
    const listing = { priceRef, models: ['test-model'], ...rates }
    await audited.council.execute(ListPrice, { name: PriceName.parse('test-model'), ...listing })
    const listed = (await audited.council.events()).findLast(({ type }) => type === 'PriceListed')
    expect(await pricesOf()).toMatchObject([
      { ...charged, listed: { position: listed?.position, ...rates }, differing: [] },
    ])
    expect((await audit('--explain')).stdout).toContain(
      `price  ${priceRef}  5 calls, 150 in, 150 cached, 588 out, µ$ per 1,000 tokens, listed at ${listed?.position}: their tokens give the same cost\n`,
    )
    await audited.rewrite((entries) =>
      entries.map((entry) =>
        entry[0] === listed?.position
          ? withFields(entry, { data: fieldOf(entry, 'data').replace('588', '600') })
          : entry,
      ),
    )
    const run = await audit('--explain', '--json')
    expect(run.code).toBe(1)
    expect(JSON.parse(run.stderr)).toMatchObject({
      code: 'price_differs',
      message: `the tokens of the call at ${debits[0]} cost another amount at ${priceRef}`,
    })
    expect(run.json().find(({ kind }) => kind === 'price')?.['differing']).not.toContain(debits[2])
  })

  test('names each limit that was reached once, with its kind', async () => {
    const limit = { dailyMicros: 10_000_000, spentMicros: 0, reservedMicros: 9_999_990, amountMicros: 11 }
    const scope = councilScope
    for (let refusal = 0; refusal < 2; refusal++)
      await audited.council.execute(ReportHardLimit, { scope, day: today(), ...limit })
    const [alert] = (await audited.council.events()).filter(({ type }) => type === 'HardLimitReached')
    const budget = `budget/council/${today()}`
    expect((await rowsOf()).filter(({ kind }) => kind === 'alert')).toMatchObject([
      { limit: 'hard', budget, position: alert?.position, data: { kind: 'hard', ...limit, timeZone: 'UTC' } },
    ])
    const line = `${alert?.position.padEnd(17)}  hard limit of ${budget}: 0 µ$ spent and 9,999,990 µ$ reserved leave no 11 µ$ of 10,000,000 µ$, until `
    expect((await audit()).stdout).toContain(line)
    expect((await audit('--csv')).stderr).toContain(line)
  })

  test('ends with ledger_differs where the ledger paid another amount than the budget was debited', async () => {
    const [, credit] = (await audited.entries()).filter(
      (entry) => fieldOf(entry, 'stream') === 'account/spend' && fieldOf(entry, 'data').includes('pays a model call'),
    )
    await audited.rewrite((entries) =>
      entries.map((entry) =>
        entry[0] === credit?.[0]
          ? withFields(entry, { data: fieldOf(entry, 'data').replace('"amountMicros":38', '"amountMicros":37') })
          : entry,
      ),
    )
    const run = await audit('--json')
    expect(run.code).toBe(1)
    expect(JSON.parse(run.stderr)).toMatchObject({
      code: 'ledger_differs',
      message: expect.stringContaining(`38 µ$ at ${debits[1]}, but the ledger paid 37 µ$`) as unknown,
    })
    expect(run.json().at(-1)).toMatchObject({ ledger: { state: 'differs' } })
  })
})

const policy = { dailyMicros: 5_000_000, softPercent: 80, onExceed: 'throttle', timeZone: 'UTC' } as const
