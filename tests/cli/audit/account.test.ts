import { beforeAll, describe, expect, test } from 'vitest'
import { RegisterAgent } from '../../../src/commands/agent/register-agent.ts'
import { CancelBounty } from '../../../src/commands/bounty/cancel-bounty.ts'
import { OpenBounty } from '../../../src/commands/bounty/open-bounty.ts'
import { ReserveFunds } from '../../../src/commands/treasury/reserve-funds.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
import { AgentId } from '../../../src/events/agent.ts'
import { selectEntries } from '../../../src/projections/entries.ts'
import { readModels } from '../../../src/projections/read-models.ts'
import { statementCsv } from '../../../src/projections/statement.ts'
import { auditedForTests, fieldOf } from '../../support/audited.ts'
import { council as cli, unreachableDatabase } from '../../support/cli.ts'
import { newId } from '../../support/council.ts'
import { databaseKinds } from '../../support/databases.ts'
import { rebuildNow } from '../../support/read-models.ts'
import { id } from '../../support/treasury.ts'

describe.each(databaseKinds)('council audit account, with read models on $kind,', ({ open }) => {
  const audited = auditedForTests({ open })
  const reservationId = newId()
  beforeAll(async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const fields = { account: id('agent:ada'), reservationId, amountMicros: 1_000, expiresAt }
    await audited.council.execute(ReserveFunds, fields, reservationId)
    for (const projection of readModels) await rebuildNow(audited.council.log, audited.db.postgres, projection)
  })

  const positions = async (stream: string) =>
    (await audited.entries()).filter((entry) => fieldOf(entry, 'stream') === stream).map(([position]) => position)
  const audit = async (...args: string[]) => {
    const run = await cli(audited.settings, ['audit', 'account', ...args, '--json'])
    return { ...run, rows: run.code === 2 ? [] : run.json() }
  }

  test('prints every event with its position, the amount it moved and the account after it', async () => {
    const { code, stderr, rows } = await audit('agent:ada')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(rows.slice(0, -1).map(({ position }) => position)).toEqual(await positions('account/agent:ada'))
    const columns = ['type', 'changeMicros', 'balanceMicros', 'reservedMicros']
    expect(rows.slice(0, -1).map((row) => columns.map((column) => row[column]))).toEqual([
      ['AccountOpened', 0, 0, 0],
      ['AccountLimitsSet', 0, 0, 0],
      ['AccountCredited', 50_000_000, 50_000_000, 0],
      ['FundsReserved', 0, 50_000_000, 900_000],
      ['ReservationSettled', 0, 50_000_000, 0],
      ['AccountDebited', -700_000, 49_300_000, 0],
      ['FundsReserved', 0, 49_300_000, 1_000],
    ])
    const [last] = (await positions('account/agent:ada')).slice(-1)
    expect(rows.at(-1)).toMatchObject({
      kind: 'summary',
      account: 'agent:ada',
      status: 'open',
      balanceMicros: 49_300_000,
      reservedMicros: 1_000,
      limits: { dailyMicros: 100_000_000, perActionMicros: 10_000_000 },
      reservations: [{ reservationId, amountMicros: 1_000, position: last }],
      last,
      readModel: { state: 'agrees' },
    })
  })

  test('prints a range with the balances of the whole history', async () => {
    const all = await positions('account/agent:ada')
    const { rows } = await audit('agent:ada', '--from', all[3]!, '--to', all[5]!)
    expect(rows.map(({ position, balanceMicros }) => [position, balanceMicros])).toEqual([
      [all[3], 50_000_000],
      [all[4], 50_000_000],
      [all[5], 49_300_000],
      [undefined, 49_300_000],
    ])
    expect(rows.at(-1)).toMatchObject({ last: all[5], reservations: [] })
  })

  test('accepts whole days in UTC as a range', async () => {
    const all = await positions('account/agent:ada')
    const dayOf = (position: string | undefined): string =>
      new Date(Number(position?.split('-')[0])).toISOString().slice(0, 10)
    const { rows } = await audit('agent:ada', '--from', dayOf(all[0]), '--to', dayOf(all.at(-1)))
    expect(rows.slice(0, -1).map(({ position }) => position)).toEqual(all)
    expect(rows.at(-1)).toMatchObject({ kind: 'summary', last: all.at(-1) })
  })

  test('prints a table without --json', async () => {
    const { stdout } = await cli(audited.settings, ['audit', 'account', 'agent:ada'])
    expect(stdout).toMatch(/AccountDebited +-700,000 +49,300,000 +0 {2}/)
    expect(stdout).toMatch(
      /\nagent:ada {2}open, \$49\.300000 \(49,300,000 µ\$\), of which 1,000 µ\$ are promised, at \d+-\d+\npromised {2}.* from \d+-\d+\nstored state and read model agree/,
    )
  })

  test('explains each figure of the summary by the positions of its events', async () => {
    const all = await positions('account/agent:ada')
    const { rows } = await audit('agent:ada', '--explain')
    expect(rows.at(-1)?.['from']).toEqual({
      balanceMicros: [all[2], all[5]],
      reservedMicros: [all[6]],
      status: [all[0]],
      limits: [all[1]],
    })
    const { stdout } = await cli(audited.settings, ['audit', 'account', 'agent:ada', '--explain'])
    expect(stdout).toContain(`\nbalanceMicros  from ${all[2]}, ${all[5]}\n`)
  })

  test('prints the statement as a CSV file, newest first, and the summary on stderr', async () => {
    const run = await cli(audited.settings, ['audit', 'account', 'agent:ada', '--csv', '--explain'])
    const [names, ...lines] = run.stdout.trimEnd().split('\r\n')
    expect(names).toBe(
      'position,occurredAt,counterparties,reason,ref,transferId,amountMicros,balanceMicros,actor,requestId',
    )
    const all = await positions('account/agent:ada')
    expect(lines).toEqual([
      expect.stringMatching(`^${all[5]},[^,]*Z,spend,settles a reservation,,[^,]*,-700000,49300000,tester,$`),
      expect.stringMatching(`^${all[2]},[^,]*Z,reserve,story,,[^,]*,50000000,50000000,tester,$`),
    ])
    expect(run.stderr).toContain('agent:ada  open, $49.300000')
    expect(run.stderr).toContain(`balanceMicros  from ${all[2]}, ${all[5]}\n`)
    const range = await cli(audited.settings, ['audit', 'account', 'agent:ada', '--csv', '--from', all[3]!])
    expect(range.stdout.trimEnd().split('\r\n').slice(1)).toEqual(lines.slice(0, 1))
    expect(await cli(audited.settings, ['audit', 'account', 'agent:ada', '--csv', '--json'])).toMatchObject({ code: 2 })
  })

  test('prints the same statement as the read model has, of every account', async () => {
    for (const account of ['external', 'reserve', 'spend', 'agent:ada', 'agent:bob']) {
      const rows = await audited.db.postgres.transaction((tx) => selectEntries(tx, account, undefined, 1_000))
      expect(rows.length).toBeGreaterThan(0)
      const { stdout } = await cli(audited.settings, ['audit', 'account', account, '--csv'])
      expect(stdout).toBe(statementCsv(rows))
    }
  })

  test('says why money moved: a seed, the escrow of a bounty, its refund, a model call', async () => {
    const { execute } = audited.council
    const [from, to] = [id('external'), id('reserve')]
    await execute(TransferFunds, { transferId: newId(), from, to, amountMicros: 60_000_000, reason: 'grant' })
    await execute(RegisterAgent, { agentId: AgentId.parse('eve') })
    const bountyId = newId()
    const deadline = new Date(Date.now() + 3_600_000).toISOString()
    const offer = { bountyId, title: 'Planets', task: 'List them.', criteria: 'All eight.', deadline }
    await execute(OpenBounty, { ...offer, rewardMicros: 70, bonusMicros: 30, claimSeconds: 3_600 })
    await execute(CancelBounty, { bountyId, reason: 'no longer needed' })
    const { stdout } = await cli(audited.settings, ['audit', 'account', 'reserve', '--csv'])
    const lines = stdout.split('\r\n').map((line) => line.split(',').slice(2, 7))
    expect(lines.slice(1, 5)).toEqual([
      [`bounty:${bountyId}`, 'returns the money of a bounty', bountyId, `refund:${bountyId}`, '100'],
      [`bounty:${bountyId}`, 'funds a bounty', bountyId, `open:${bountyId}`, '-100'],
      ['agent:eve', 'seeds an agent', 'eve', 'seed', '-50000000'],
      ['external', 'grant', '', expect.any(String), '60000000'],
    ])
    expect(lines[5]?.slice(0, 2)).toEqual(['spend', 'pays a model call'])
  })

  test('reports a read model that lags or is unreachable', async () => {
    const [from, to] = [id('reserve'), id('agent:bob')]
    await audited.council.execute(TransferFunds, { transferId: newId(), from, to, amountMicros: 1, reason: 'late' })
    const late = { balanceMicros: 20_000_001, readModel: { state: 'behind' } }
    expect((await audit('agent:bob')).rows.at(-1)).toMatchObject(late)
    const settings = { ...audited.settings, DATABASE_URL: unreachableDatabase }
    const run = await cli(settings, ['audit', 'account', 'agent:bob', '--json'])
    expect(run.code).toBe(0)
    expect(run.json().at(-1)).toMatchObject({ readModel: { state: 'unavailable' } })
  })

  test('finds a row and a stored state that differ from the log', async () => {
    const { redis, keys } = audited.council
    await audited.query(`update accounts_2.accounts set balance_micros = 1 where account_id = 'reserve'`)
    expect(await audit('reserve')).toMatchObject({ code: 1, stderr: expect.stringContaining('read_model_differs') })
    const stored = await redis.hget(keys.states, 'account/reserve')
    await redis.hset(keys.states, 'account/reserve', stored!.replace(/"balanceMicros":\d+/, '"balanceMicros":7'))
    expect(await audit('reserve')).toMatchObject({ code: 1, stderr: expect.stringContaining('state_differs') })
    await redis.hset(keys.states, 'account/reserve', stored!)
  })

  test('distinguishes an account that was never opened from an invalid name', async () => {
    expect(await audit('agent:unknown')).toMatchObject({ code: 1, stderr: expect.stringContaining('account_unknown') })
    expect(await audit('unknown')).toMatchObject({ code: 2 })
  })
})
