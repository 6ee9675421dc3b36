import { beforeAll, describe, expect, test } from 'vitest'
import { breakTie } from '../../../src/gedi/seed.ts'
import { council as cli } from '../../support/cli.ts'
import { newId } from '../../support/council.ts'
import { answeredByCouncil, councilMembers, deliberation, type Deliberation } from '../../support/deliberation.ts'
import { fieldOf, withFields } from '../../support/audited.ts'
import { suiteCouncil } from '../../support/lifetimes.ts'
import { redisUrl } from '../../support/shared-servers.ts'

const council = await suiteCouncil()
let won: Deliberation
let tied: Deliberation
let failed: Deliberation
let open: Deliberation
beforeAll(async () => {
  won = await answeredByCouncil(council, { analyst: ['B', 'C'], sceptic: ['C', 'A'], pragmatist: ['B', 'A'] })
  tied = await answeredByCouncil(council, { analyst: ['B', 'C'], sceptic: ['C', 'A'], pragmatist: ['A', 'B'] })
  failed = await answeredByCouncil(council, { analyst: null, sceptic: ['C', 'A'], pragmatist: null })
  open = deliberation(council)
  await open.begin()
  await open.open()
  await open.vote('sceptic', ['C', 'A'])
})

const gedi = (command: string, electionId: string, ...args: string[]) =>
  cli({ REDIS_URL: redisUrl, COUNCIL_ID: council.councilId }, ['gedi', command, electionId, ...args])

/** The position of the event that ended an election. */
const endOf = async ({ requestId }: Deliberation) =>
  (await council.events()).find(
    ({ stream, type }) => stream === `election/${requestId}` && /^Election(Decided|Failed)$/.test(type),
  )?.position

/** Changes the data of one event in Redis while `work` runs. */
async function tampered<Result>(
  { requestId }: Deliberation,
  type: string,
  change: (data: Record<string, unknown>) => object,
  work: () => Promise<Result>,
): Promise<Result> {
  const { redis, keys } = council
  const write = async (entries: Awaited<ReturnType<typeof redis.xrange>>) => {
    const pipeline = redis.multi().del(keys.log)
    for (const [position, fields] of entries) pipeline.xadd(keys.log, position, ...fields)
    await pipeline.exec()
  }
  const entries = await redis.xrange(keys.log, '-', '+')
  const isMeant = (entry: (typeof entries)[number]) =>
    fieldOf(entry, 'stream') === `election/${requestId}` && fieldOf(entry, 'type') === type
  expect(entries.filter(isMeant).length).toBeGreaterThan(0)
  const changed = entries.map((entry) => {
    const data = () => JSON.parse(fieldOf(entry, 'data')) as Record<string, unknown>
    return isMeant(entry) ? withFields(entry, { data: JSON.stringify(change(data())) }) : entry
  })
  await write(changed)
  return work().finally(() => write(entries))
}

describe('council gedi verify', () => {
  test('agrees with a recorded result, and names its position', async () => {
    const { code, json } = await gedi('verify', won.requestId, '--json')
    expect(code).toBe(0)
    expect(json()).toEqual([
      {
        electionId: won.requestId,
        method: 'ranked_pairs',
        ballots: 3,
        winner: 'B',
        position: await endOf(won),
        differing: [],
        agrees: true,
      },
    ])
    const { stdout } = await gedi('verify', won.requestId)
    expect(stdout).toMatch(/^agrees {2}ranked_pairs, 3 ballots, winner B; recorded at \d+-\d+\n$/)
  })

  test('agrees with a tie that the seed broke, and with an election below its quorum', async () => {
    expect((await gedi('verify', tied.requestId, '--json')).json()).toMatchObject([{ agrees: true, ballots: 3 }])
    expect((await gedi('verify', failed.requestId, '--json')).json()).toMatchObject([
      { agrees: true, ballots: 1, winner: null },
    ])
  })

  test.each<[string, string, (data: Record<string, unknown>) => object, string[]]>([
    ['another winner', 'ElectionDecided', (data) => ({ ...data, winner: 'A', winners: ['A'] }), ['winners', 'winner']],
    ['another tally', 'ElectionDecided', (data) => ({ ...data, tally: { A: 9, B: 2, C: 1 } }), ['tally']],
    ['another number of ballots', 'ElectionDecided', (data) => ({ ...data, ballots: 2 }), ['ballots']],
    ['a ballot that was changed', 'BallotCast', (data) => ({ ...data, ballot: ['C', 'B'] }), ['winner']],
  ])('finds %s, with exit code 1', async (_, type, change, differing) => {
    const run = await tampered(won, type, change, () => gedi('verify', won.requestId, '--json'))
    expect(run.code).toBe(1)
    expect(run.json()).toMatchObject([{ agrees: false, differing: expect.arrayContaining(differing) as unknown }])
    expect(JSON.parse(run.stderr)).toMatchObject({
      code: 'election_differs',
      message: expect.stringContaining(String(await endOf(won))) as unknown,
    })
    expect(await gedi('verify', won.requestId)).toMatchObject({ code: 0 })
  })

  test('finds a seed that was changed after a tie', async () => {
    const decided = (await council.events()).find(
      ({ stream, type }) => stream === `election/${tied.requestId}` && type === 'ElectionDecided',
    )
    if (decided?.type !== 'ElectionDecided') throw new Error('the tie was not decided')
    const { winners, winner } = decided.data
    expect(winners).toEqual(['A', 'B', 'C'])
    const seed = Array.from({ length: 20 }, (_, n) => `another seed, number ${n}`).find(
      (other) => breakTie(winners, other) !== winner,
    )
    const run = await tampered(
      tied,
      'ElectionOpened',
      (data) => ({ ...data, seed }),
      () => gedi('verify', tied.requestId, '--json'),
    )
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('election_differs') as unknown })
    expect(run.json()).toMatchObject([{ differing: ['winner'] }])
  })

  test('refuses an election that is open, an unknown one and a name that is no id', async () => {
    const refused = (code: string) => ({ stdout: '', stderr: expect.stringContaining(code) as unknown })
    expect(await gedi('verify', open.requestId)).toMatchObject({ code: 1, ...refused('election_open') })
    expect(await gedi('verify', newId())).toMatchObject({ code: 1, ...refused('election_unknown') })
    expect(await gedi('verify', 'nonsense')).toMatchObject({ code: 2, ...refused('UUIDv7') })
  })
})

describe('council gedi compare', () => {
  test('counts the same ballots under every method, and says who voted how', async () => {
    const { code, stdout } = await gedi('compare', won.requestId)
    expect(code).toBe(0)
    expect(stdout).toContain('ranked_pairs elected B (sceptic) with 3 ballots\n')
    expect(stdout).toMatch(/\n {2}sceptic +C > A\n/)
    expect(stdout).toMatch(/\n\* ranked_pairs +B +/)
    expect(stdout).toMatch(/\n {2}borda +not counted +/)
  })

  test('gives one JSON value per method, and the reason why they differ', async () => {
    const rows = (await gedi('compare', won.requestId, '--json')).json()
    expect(rows.filter(({ kind }) => kind === 'method')).toHaveLength(12)
    expect(rows.find(({ method }) => method === 'schulze')).toMatchObject({
      counted: true,
      winners: ['B'],
      electsTheSame: true,
    })
    expect(rows.find(({ method }) => method === 'borda')).toMatchObject({ counted: false, code: 'incomplete_ballots' })
    expect(rows.at(-1)).toMatchObject({
      kind: 'summary',
      electionId: won.requestId,
      method: 'ranked_pairs',
      winner: 'B',
      condorcetWinner: 'B',
      candidates: { A: councilMembers[0], B: councilMembers[1], C: councilMembers[2] },
    })
  })

  test('shows an open election without a winner', async () => {
    const { code, json } = await gedi('compare', open.requestId, '--json')
    expect(code).toBe(0)
    expect(json().at(-1)).toMatchObject({ kind: 'summary', winner: null })
  })

  test('refuses ballots that are no rankings, and an unknown election', async () => {
    const scored = deliberation(council)
    await scored.begin()
    await scored.open({ method: 'range', ownCandidateAllowed: true })
    expect(await scored.vote('sceptic', { A: 1, B: 2, C: 3 })).toBe('appended')
    expect(await gedi('compare', scored.requestId)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ballots_not_ranked') as unknown,
    })
    expect(await gedi('compare', newId())).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('election_unknown') as unknown,
    })
  })
})
