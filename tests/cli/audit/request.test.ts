import { beforeAll, describe, expect, test } from 'vitest'
import { council as cli } from '../../support/cli.ts'
import { answeredByCouncil, deliberation, type Deliberation } from '../../support/deliberation.ts'
import { suiteCouncil } from '../../support/lifetimes.ts'
import { redisUrl } from '../../support/shared-servers.ts'

const council = await suiteCouncil()
let tied: Deliberation
let won: Deliberation
beforeAll(async () => {
  tied = await answeredByCouncil(council, { analyst: ['B', 'C'], sceptic: ['C', 'A'], pragmatist: ['A', 'B'] })
  won = await answeredByCouncil(council, { analyst: ['B', 'C'], sceptic: ['C', 'A'], pragmatist: null })
})

const settings = { REDIS_URL: redisUrl, COUNCIL_ID: council.councilId }
const audit = async ({ requestId }: Deliberation) => {
  const run = await cli(settings, ['audit', 'request', requestId, '--json'])
  const rows = run.json()
  return { ...run, rows, of: (kind: string) => rows.filter((row) => row['kind'] === kind) }
}

describe('council audit request, of an answer by the council', () => {
  test('prints every event of the prompt, its election and its costs in order', async () => {
    const { code, of } = await audit(won)
    expect(code).toBe(0)
    const own = (await council.events()).filter(
      ({ stream, data }) => stream.endsWith(won.requestId) || ('requestId' in data && data.requestId === won.requestId),
    )
    expect(of('event').map(({ position, stream, type }) => [position, stream, type])).toEqual(
      own.map(({ position, stream, type }) => [position, stream, type]),
    )
    expect(of('event').filter(({ stream }) => stream === `election/${won.requestId}`)).toHaveLength(5)
  })

  test('names the author, the label and the place of each draft', async () => {
    const { of } = await audit(won)
    expect(of('draft')).toMatchObject([
      { member: 'analyst', label: 'A', rank: 3, isWinner: false, failedWhy: null, text: 'A draft by analyst.' },
      { member: 'sceptic', label: 'B', rank: 1, isWinner: true },
      { member: 'pragmatist', label: 'C', rank: 2, isWinner: false },
    ])
  })

  test('names the voter of each ballot and each member that abstained, with positions, and recounts', async () => {
    const { of, rows } = await audit(won)
    const event = (type: string) => of('event').filter((row) => row['type'] === type)
    const [first, second] = event('BallotCast').map(({ position }) => position)
    expect(of('ballot')).toEqual([
      { kind: 'ballot', member: 'analyst', ballot: ['B', 'C'], winnerRank: 1, position: first },
      // The winner is its own draft, which its ballot could not name.
      { kind: 'ballot', member: 'sceptic', ballot: ['C', 'A'], winnerRank: null, position: second },
    ])
    expect(of('abstention')).toEqual([
      { kind: 'abstention', member: 'pragmatist', why: 'invalid', position: event('BallotRejected')[0]?.['position'] },
    ])
    expect(rows.at(-1)).toMatchObject({
      kind: 'summary',
      status: 'completed',
      debitedMicros: 45,
      billedMicros: 45,
      election: {
        method: 'ranked_pairs',
        status: 'decided',
        winner: 'B',
        winnerMember: 'sceptic',
        ballots: 2,
        abstentions: 1,
        position: event('ElectionDecided')[0]?.['position'],
        recount: { agrees: true, differing: [] },
      },
    })
  })

  test('gives the cost of each phase and member, with the positions of its debits', async () => {
    const { of } = await audit(won)
    const debits = of('event').filter(({ type }) => type === 'BudgetDebited')
    expect(of('cost').map(({ phase, member, costMicros }) => [phase, member, costMicros])).toEqual([
      ['draft', 'analyst', 10],
      ['draft', 'sceptic', 10],
      ['draft', 'pragmatist', 10],
      ['vote', 'analyst', 5],
      ['vote', 'sceptic', 5],
      ['vote', 'pragmatist', 5],
    ])
    expect(of('cost').flatMap(({ positions }) => positions)).toEqual(debits.map(({ position }) => position))
  })

  test('tells people the same', async () => {
    const { stdout } = await cli(settings, ['audit', 'request', won.requestId])
    expect(stdout).toMatch(/ElectionOpened +ranked_pairs, quorum 2: A is analyst, B is sceptic, C is pragmatist\n/)
    expect(stdout).toMatch(/BallotCast +analyst: B > C\n/)
    expect(stdout).toMatch(/BallotRejected +pragmatist abstains: invalid "I like all of them\..*"\n/)
    expect(stdout).toMatch(/ElectionDecided +winner B; B > C > A; B is above all others /)
    expect(stdout).toMatch(/\ndrafts\nA {3}analyst +place 3 +\d+-\d+ {2}"A draft by analyst\."\n/)
    expect(stdout).toMatch(/\nballots, ranked_pairs\n {4}analyst +B > C +\d+-\d+\n/)
    expect(stdout).toMatch(/\n {4}pragmatist +abstains +\d+-\d+ {2}invalid\n/)
    expect(stdout).toMatch(/\n {4}a recount agrees with the result at \d+-\d+: winner B\n/)
    const { stdout: ofTie } = await cli(settings, ['audit', 'request', tied.requestId])
    expect(ofTie).toMatch(/ElectionDecided +winner [ABC] by the seed, of A, B, C; A = B = C; /)
    expect(stdout).toMatch(/\n {4}pragmatist +draft +10 µ\$ {2}from \d+-\d+\n/)
  })

  test('shows an open election, and a draft that failed', async () => {
    const open = deliberation(council)
    await open.begin()
    await open.call('draft', 'sceptic')
    await open.failDraft('sceptic')
    await open.failDraft('analyst', 0, 'the model is\nout of memory')
    await open.open()
    const { code, of, rows } = await audit(open)
    expect(code).toBe(0)
    expect(of('draft')).toMatchObject([
      { member: 'sceptic', failedWhy: 'late', failure: null, rank: null },
      { member: 'analyst', failedWhy: 'model_failed', failure: 'the model is\nout of memory' },
    ])
    const { stdout } = await cli(settings, ['audit', 'request', open.requestId])
    expect(stdout).toMatch(/ DraftFailed +of analyst: model_failed: the model is.*out of memory\n/)
    expect(stdout).toMatch(/ analyst .* model_failed: the model is.*out of memory\n/)
    expect(rows.at(-1)).toMatchObject({ election: { status: 'open', winner: null, recount: null } })
  })

  test('ends with election_differs if the ballots give another result than the recorded one', async () => {
    const { redis, keys } = council
    const forged = await answeredByCouncil(council, {
      analyst: ['B', 'C'],
      sceptic: ['C', 'A'],
      pragmatist: ['B', 'A'],
    })
    const decided = (await council.events()).find(
      ({ stream, type }) => stream === `election/${forged.requestId}` && type === 'ElectionDecided',
    )
    const entries = await redis.xrange(keys.log, '-', '+')
    const pipeline = redis.multi().del(keys.log)
    for (const [position, fields] of entries)
      pipeline.xadd(
        keys.log,
        position,
        ...fields.map((field) =>
          position === decided?.position ? field.replace('"winner":"B"', '"winner":"A"') : field,
        ),
      )
    await pipeline.exec()
    const run = await audit(forged)
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('election_differs') as unknown })
    expect(run.rows.at(-1)).toMatchObject({ election: { recount: { agrees: false, differing: ['winner'] } } })
    expect((await cli(settings, ['audit', 'request', forged.requestId])).stdout).toContain('a recount DIFFERS')
  })
})
