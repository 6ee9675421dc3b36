import { sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { migrate } from '../../../src/projections/engine/migrate.ts'
import { members } from '../../../src/projections/members.ts'
import { council as cli, unreachableDatabase } from '../../support/cli.ts'
import { databaseKinds } from '../../support/databases.ts'
import { answeredByCouncil, seatCouncil, type Deliberation } from '../../support/deliberation.ts'
import { answeredPrompt } from '../../support/history.ts'
import { suiteCouncil, suiteDatabase } from '../../support/lifetimes.ts'
import { rebuildNow } from '../../support/read-models.ts'
import { redisUrl } from '../../support/shared-servers.ts'

describe.each(databaseKinds)('council audit members, with read models on $kind,', async ({ open }) => {
  const db = await suiteDatabase(open)
  const council = await suiteCouncil()
  const settings = { REDIS_URL: redisUrl, DATABASE_URL: db.url, COUNCIL_ID: council.councilId }
  let second: Deliberation
  beforeAll(async () => {
    await migrate(db.postgres)
    await answeredByCouncil(council, { analyst: ['B', 'C'], sceptic: ['C', 'A'], pragmatist: ['B', 'A'] })
    second = await answeredByCouncil(council, { analyst: ['B', 'C'], sceptic: null, pragmatist: ['B', 'A'] })
    await answeredPrompt(council)
    await rebuildNow(council.log, db.postgres, members)
  })
  const audit = async (...args: string[]) => {
    const run = await cli(settings, ['audit', 'members', ...args, '--json'])
    return { ...run, rows: run.code === 2 ? [] : run.json() }
  }
  const positions = async (type: string, member?: string) =>
    (await council.events())
      .filter((event) => event.type === type)
      .filter(({ data }) => member === undefined || ('member' in data && data.member === member))
      .map(({ position }) => position)

  test('prints the figures of each member with the positions behind them, the best value first', async () => {
    const { code, stderr, rows } = await audit()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(rows.map(({ kind, member }) => member ?? kind)).toEqual([
      'sceptic',
      'analyst',
      'pragmatist',
      'fast',
      'total',
    ])
    expect(rows[0]).toMatchObject({
      elections: 2,
      drafts: 2,
      draftsFailed: 0,
      wins: 2,
      meanRank: 1,
      ballots: 1,
      abstentions: 1,
      agreement: null,
      calls: 4,
      costMicros: 30,
      costPerWinMicros: 15,
      winShare: 1,
      value: 3,
      positions: {
        elections: await positions('ElectionOpened'),
        drafts: await positions('DraftProduced', 'sceptic'),
        wins: await positions('ElectionDecided'),
        meanRank: await positions('ElectionDecided'),
        ballots: await positions('BallotCast', 'sceptic'),
        abstentions: await positions('BallotRejected', 'sceptic'),
        calls: await positions('BudgetDebited', 'sceptic'),
        costMicros: await positions('BudgetDebited', 'sceptic'),
        agreement: [],
        draftsFailed: [],
      },
    })
    expect(rows[1]).toMatchObject({ member: 'analyst', wins: 0, agreement: 1, value: 0, costPerWinMicros: null })
    expect(rows[3]).toMatchObject({ member: 'fast', calls: 1, costMicros: 38, elections: 0, value: null })
    expect(rows.at(-1)).toMatchObject({
      members: 4,
      wins: 2,
      costMicros: 128,
      bestValue: 'sceptic',
      readModel: { state: 'agrees', rows: 4 },
    })
  })

  test('counts only the events of a range, in which an election may have begun before', async () => {
    const [, decided = ''] = await positions('ElectionDecided')
    const { rows } = await audit('--from', decided, '--to', decided)
    expect(rows.map(({ member, wins, drafts, costMicros }) => [member, wins, drafts, costMicros])).toEqual([
      ['analyst', 0, 0, 0],
      ['pragmatist', 0, 0, 0],
      ['sceptic', 1, 0, 0],
      [undefined, 1, undefined, 0],
    ])
    const own = (await council.events()).filter(({ stream }) => stream === `chat/${second.requestId}`)
    expect((await audit('--from', own[0]!.position)).rows[0]).toMatchObject({ elections: 1, drafts: 1, wins: 1 })
    expect(await audit('--from', decided, '--to', '1-1')).toMatchObject({ code: 2 })
  })

  test('prints a table without --json', async () => {
    const { stdout } = await cli(settings, ['audit', 'members'])
    expect(stdout).toMatch(
      /^member +elections +drafts .*wins\/cost\nsceptic +2 +2 +0 +2 +1\.00 +1 +1 +- +4 +30 +15 .* 3\.00\n/,
    )
    expect(stdout).toMatch(
      /\nbest value: sceptic, with 100 % of the wins for 33 % of the cost\nread model agrees: 4 rows/,
    )
  })

  test('says who each member is, and whether it sits now', async () => {
    await seatCouncil(council, ['sceptic', 'novice'], { model: 'mini' })
    await seatCouncil(council, ['sceptic'])
    await rebuildNow(council.log, db.postgres, members)
    const [first, newest] = await positions('CouncilSeated')
    const { code, rows } = await audit()
    expect(code).toBe(0)
    const seats = rows
      .filter(({ kind }) => kind === 'member')
      .map(({ member, name, model, weight, seat }) => [member, name, model, weight, seat])
    expect(seats).toEqual([
      ['sceptic', 'The sceptic', null, 1, 'member'],
      ['analyst', null, null, null, null],
      ['pragmatist', null, null, null, null],
      ['chair', 'The chair', null, null, 'chair'],
      ['fast', null, null, null, null],
    ])
    expect(rows[0]).toMatchObject({ persona: 'You are the sceptic.', positions: { seat: [newest] } })
    expect(rows.at(-1)).toMatchObject({ readModel: { state: 'agrees', rows: 6 } })
    expect((await audit('--to', first ?? '')).rows.map(({ member }) => member)).toContain('chair')
    const { stdout } = await cli(settings, ['audit', 'members'])
    expect(stdout).toContain('\n  The sceptic, sits, weight 1: You are the sceptic.\n')
    expect(stdout).toContain('\n  The chair, sits in the chair: You are the chair.\n')
  })

  test('finds a row that differs from the log, and reports a read model that lags or is unreachable', async () => {
    await db.postgres.transaction((tx) =>
      sql`update read_models.members set wins = 7 where member = 'analyst'`.execute(tx),
    )
    expect(await audit()).toMatchObject({ code: 1, stderr: expect.stringContaining('read_model_differs') as unknown })
    await rebuildNow(council.log, db.postgres, members)
    await answeredPrompt(council)
    expect((await audit()).rows.at(-1)).toMatchObject({ readModel: { state: 'behind', missing: 3 } })
    const run = await cli({ ...settings, DATABASE_URL: unreachableDatabase }, ['audit', 'members', '--json'])
    expect(run.code).toBe(0)
    expect(run.json().at(-1)).toMatchObject({ readModel: { state: 'unavailable' } })
  })
})
