import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { votingMethods } from '../../src/events/election.ts'
import { apiGet } from '../support/api-client.ts'
import { newId } from '../support/council.ts'
import {
  answeredByCouncil,
  councilMembers,
  deliberation,
  seatCouncil,
  type Deliberation,
} from '../support/deliberation.ts'
import { suiteCouncil } from '../support/lifetimes.ts'
import { serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { councilSettings } from '../support/shared-servers.ts'

const council = await suiteCouncil()
let served: ServedCouncil
let won: Deliberation
let failed: Deliberation
let open: Deliberation
let head: string
beforeAll(async () => {
  won = await answeredByCouncil(council, { analyst: ['B', 'C'], sceptic: ['C', 'A'], pragmatist: ['B', 'A'] })
  failed = await answeredByCouncil(council, { analyst: null, sceptic: ['C', 'A'], pragmatist: null })
  open = deliberation(council)
  await open.begin()
  await open.open()
  await open.vote('sceptic', ['C', 'A'])
  await seatCouncil(council, [...councilMembers, 'novice'], { model: 'mini' })
  await seatCouncil(council, ['analyst', 'sceptic'])
  head = await council.log.head()
  served = await serveCouncil(await councilSettings({ COUNCIL_ID: council.councilId }), 'api,projector')
})
afterAll(() => served.stop())

const get = (path: string, headers?: Record<string, string>) => apiGet(served, path, headers)

const votedAt = async ({ requestId }: Deliberation): Promise<Map<unknown, unknown>> =>
  new Map(
    (await council.events()).flatMap(({ stream, type, data, position }) =>
      stream === `election/${requestId}` && (type === 'BallotCast' || type === 'BallotRejected')
        ? [[data.member, position]]
        : [],
    ),
  )

describe('an election over HTTP', () => {
  test('has its result, the author of each label and every ballot with its position', async () => {
    const positions = await votedAt(won)
    const answer = await get(`/v1/elections/${won.requestId}?after=${head}`)
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'x-council-position': head },
      body: {
        election: won.requestId,
        purpose: 'answer',
        ref: won.requestId,
        method: 'ranked_pairs',
        status: 'decided',
        winner: 'B',
        winnerMember: 'sceptic',
        winners: ['B'],
        order: [['B'], ['C'], ['A']],
        tally: { A: 0, B: 2, C: 1 },
        reason: expect.stringContaining('B') as unknown,
        trace: expect.arrayContaining([expect.any(String)]) as unknown,
        quorum: 2,
        ballotsCast: 3,
        abstentions: 0,
        candidates: councilMembers.map((author, index) => ({ label: 'ABC'[index], standsFor: author, author })),
        closedAt: expect.stringMatching(/Z$/) as unknown,
      },
    })
    const common = {
      status: 'cast',
      abstainedWhy: null,
      callId: expect.stringContaining(`${won.requestId}.`) as unknown,
    }
    expect(answer.body['ballots']).toEqual([
      {
        ...common,
        member: 'analyst',
        ballot: ['B', 'C'],
        winnerRank: 1,
        ownLabel: 'A',
        position: positions.get('analyst'),
      },
      {
        ...common,
        member: 'pragmatist',
        ballot: ['B', 'A'],
        winnerRank: 1,
        ownLabel: 'C',
        position: positions.get('pragmatist'),
      },
      // The winner is its own draft, which its ballot could not name.
      {
        ...common,
        member: 'sceptic',
        ballot: ['C', 'A'],
        winnerRank: null,
        ownLabel: 'B',
        position: positions.get('sceptic'),
      },
    ])
  })

  test('that failed has no winner, says why, and who abstained', async () => {
    const { body } = await get(`/v1/elections/${failed.requestId}?after=${head}`)
    expect(body).toMatchObject({
      status: 'failed',
      why: 'quorum',
      winner: null,
      winnerMember: null,
      order: null,
      ballotsCast: 1,
      abstentions: 2,
    })
    expect(body['ballots']).toMatchObject([
      { member: 'analyst', status: 'abstained', abstainedWhy: 'invalid', ballot: null },
      { member: 'pragmatist', status: 'abstained' },
      { member: 'sceptic', status: 'cast', winnerRank: null },
    ])
  })

  test('that is open shows whose ballot it awaits', async () => {
    expect((await get(`/v1/elections/${open.requestId}?after=${head}`)).body).toMatchObject({
      status: 'open',
      closedAt: null,
      ballots: [
        { member: 'analyst', status: 'awaited', position: null },
        { member: 'pragmatist', status: 'awaited' },
        { member: 'sceptic', status: 'cast' },
      ],
    })
  })

  test('is counted again, and under every method, with the reason for other results', async () => {
    const { status, body } = await get(`/v1/elections/${won.requestId}/recount?after=${head}`)
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { election: won.requestId, method: 'ranked_pairs', agrees: true, differing: [], condorcetWinner: 'B' },
    })
    const methods = body['methods'] as Record<string, unknown>[]
    expect(methods).toHaveLength(votingMethods.length)
    expect(methods).toContainEqual(
      expect.objectContaining({ method: 'schulze', counted: true, winners: ['B'], electsTheSame: true }),
    )
    // No member ranks its own draft.
    expect(methods).toContainEqual(
      expect.objectContaining({ method: 'borda', counted: false, code: 'incomplete_ballots' }),
    )
    expect((await get(`/v1/elections/${failed.requestId}/recount?after=${head}`)).body).toMatchObject({ agrees: true })
    expect((await get(`/v1/elections/${open.requestId}/recount?after=${head}`)).body).toMatchObject({
      agrees: null,
      methods: [],
    })
  })

  test('is in the list once, newest first, over all pages', async () => {
    const listed: unknown[] = []
    for (let next: string | null = ''; next !== null;) {
      const { body } = await get(`/v1/elections?limit=1&after=${head}${next ? `&cursor=${next}` : ''}`)
      const page = body as { elections: { election: string }[]; next: string | null }
      listed.push(...page.elections.map(({ election }) => election))
      next = page.next
    }
    expect(listed).toEqual([open, failed, won].map(({ requestId }) => requestId))
  })

  test('is not found under another id, or a name that is no id', async () => {
    for (const id of [newId(), 'nonsense', '%00', "'%20or%201=1"])
      expect(await get(`/v1/elections/${id}`)).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })
})

describe('the members over HTTP', () => {
  test('have their drafts, wins, ranks, votes and cost', async () => {
    const answer = await get(`/v1/members?after=${head}`)
    expect(answer).toMatchObject({ status: 200, headers: { 'x-council-position': head }, body: { next: null } })
    const [analyst, , , pragmatist, sceptic] = answer.body['members'] as Record<string, unknown>[]
    expect(analyst).toMatchObject({
      member: 'analyst',
      elections: 3,
      drafts: 2,
      draftsFailed: 0,
      wins: 0,
      meanRank: 3,
      ballots: 1,
      abstentions: 1,
      agreement: 1,
      calls: 4,
      costMicros: 30,
      costPerWinMicros: null,
      meanDraftMs: expect.any(Number) as unknown,
    })
    expect(pragmatist).toMatchObject({ member: 'pragmatist', meanRank: 2, agreement: 1 })
    expect(sceptic).toMatchObject({
      member: 'sceptic',
      wins: 1,
      meanRank: 1,
      ballots: 3,
      agreement: null,
      costMicros: 30,
      costPerWinMicros: 30,
    })
  })

  test('have the name, persona, model, weight and seat of the newest council, and those of the last one they sat on', async () => {
    const seated = ((await get(`/v1/members?after=${head}`)).body['members'] as Record<string, unknown>[]).map(
      ({ member, name, persona, model, weight, seat }) => ({ member, name, persona, model, weight, seat }),
    )
    const described = (id: string) => ({ member: id, name: `The ${id}`, persona: `You are the ${id}.` })
    expect(seated).toEqual([
      { ...described('analyst'), model: null, weight: 1, seat: 'member' },
      { ...described('chair'), model: null, weight: null, seat: 'chair' },
      { ...described('novice'), model: 'mini', weight: 4, seat: null },
      { ...described('pragmatist'), model: 'mini', weight: 3, seat: null },
      { ...described('sceptic'), model: null, weight: 2, seat: 'member' },
    ])
  })

  test('come in pages, each member once', async () => {
    const first = await get(`/v1/members?limit=3&after=${head}`)
    expect(first.body).toMatchObject({
      members: [{ member: 'analyst' }, { member: 'chair' }, { member: 'novice' }],
      next: 'novice',
    })
    const second = await get(`/v1/members?limit=3&after=${head}&cursor=novice`)
    expect(second.body).toMatchObject({ members: [{ member: 'pragmatist' }, { member: 'sceptic' }], next: null })
  })
})

test.each(['/v1/elections', '/v1/members'])('%s refuses unknown parameters, and strangers', async (path) => {
  for (const query of ['after=yesterday', 'limit=0', 'limit=1001', 'cursor=%00', 'sort=name'])
    expect(await get(`${path}?${query}`)).toMatchObject({ status: 400, body: { code: 'malformed_request' } })
  expect(await get(path, {})).toMatchObject({ status: 401 })
})
