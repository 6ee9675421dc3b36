import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import type { CastableBallot, ElectionRules } from '../../src/events/election.ts'
import { ballots } from '../../src/projections/ballots.ts'
import { electionRows, elections } from '../../src/projections/elections.ts'
import { migrate } from '../../src/projections/engine/migrate.ts'
import type { Projection } from '../../src/projections/engine/projection.ts'
import type { MemoryTables, ReadModel } from '../../src/projections/engine/read-model.ts'
import { members, type MemberRow } from '../../src/projections/members.ts'
import { openTestCouncil, type TestCouncil } from '../support/council.ts'
import { databaseKinds } from '../support/databases.ts'
import {
  answeredByCouncil,
  councilMembers,
  deliberation,
  seatCouncil,
  type Deliberation,
} from '../support/deliberation.ts'
import { suiteDatabase, testCouncil } from '../support/lifetimes.ts'
import { applyInBatches, storedTables } from '../support/read-models.ts'
import { freshCouncilId, redisUrl } from '../support/shared-servers.ts'

type OfType<Type> = Extract<AnyRecordedEvent, { type: Type }>
const isOfType =
  <Type extends AnyRecordedEvent['type']>(type: Type) =>
  (event: AnyRecordedEvent): event is OfType<Type> =>
    event.type === type

const rankings = [
  ['A', 'B', 'C'],
  ['C', 'A', 'B'],
  ['B', 'C'],
  ['C', 'B'],
  ['A', 'C'],
  ['C', 'A'],
  ['A', 'B'],
  ['B', 'A'],
]
const rules = fc.constantFrom<Partial<ElectionRules>>(
  {},
  { ownCandidateAllowed: true, method: 'borda' },
  { method: 'approval', quorum: 1 },
  { quorum: 3 },
)
const step = fc.record({
  who: fc.nat(1),
  ask: fc.constantFrom(
    'call',
    'call',
    'draft',
    'draft',
    'fail',
    'open',
    'vote',
    'vote',
    'vote',
    'abstain',
    'close',
    'end',
    'seat',
  ),
  member: fc.constantFrom(...councilMembers),
  ballot: fc.constantFrom<CastableBallot>(...rankings),
  rules,
  costMicros: fc.integer({ min: 0, max: 900 }),
})
type Step = { ask: string; member: string; ballot: CastableBallot; rules: Partial<ElectionRules>; costMicros: number }
const cuts = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 10 })

async function happen(
  council: TestCouncil,
  prompt: Deliberation,
  { ask, member, ballot, rules: changes, costMicros }: Step,
): Promise<void> {
  // The member takes the chair, with others around it, under a model that differs from time to time.
  if (ask === 'seat')
    await seatCouncil(council, [...councilMembers, 'novice'].filter((id) => id !== member).slice(costMicros % 3), {
      chair: member,
      ...(costMicros % 2 === 0 && { model: `model-${costMicros}` }),
    })
  if (ask === 'call') await prompt.call('draft', member)
  if (ask === 'draft') await prompt.draft(member, costMicros)
  if (ask === 'fail') await prompt.failDraft(member, costMicros)
  if (ask === 'open') await prompt.open(changes)
  if (ask === 'vote') await prompt.call('vote', member)
  if (ask === 'vote') await prompt.vote(member, ballot, costMicros)
  if (ask === 'abstain') await prompt.abstain(member, costMicros)
  if (ask === 'close') await prompt.close()
  if (ask === 'end') await prompt.complete()
}

describe.each(databaseKinds)('the read models of elections on $kind', async ({ open }) => {
  const db = await suiteDatabase(open)
  await migrate(db.postgres)

  const applied = (projection: Projection, events: readonly AnyRecordedEvent[], sizes: readonly number[]) =>
    applyInBatches(db.postgres, projection, events, sizes)

  const shown = async <Row>(table: string, { parse }: { parse: (row: unknown) => Row }, key: keyof Row) =>
    new Map((await db.rows(`read_models.${table}`)).map((row) => parse(row)).map((row) => [row[key], row]))

  async function afterAnyHistory(
    check: (events: AnyRecordedEvent[], sizes: number[], council: TestCouncil) => Promise<void>,
  ) {
    const histories = fc.array(step, { minLength: 1, maxLength: 50 })
    await fc.assert(
      fc.asyncProperty(histories, cuts, async (history, sizes) => {
        const council = await openTestCouncil(redisUrl, freshCouncilId())
        try {
          const prompts = [deliberation(council), deliberation(council)]
          for (const prompt of prompts) {
            await prompt.begin()
            await prompt.call('draft', 'analyst')
            await prompt.draft('analyst')
          }
          await prompts[0]!.open()
          for (const next of history) await happen(council, prompts[next.who]!, next)
          await check(await council.events(), sizes, council)
        } finally {
          council.close()
        }
      }),
      { numRuns: 10 },
    )
  }

  test('are the fold of the log for any history and any batch boundaries', async () => {
    await afterAnyHistory(async (events, sizes) => {
      for (const model of [elections, members]) {
        await applied(model, events, sizes)
        const stored = await db.postgres.transaction((tx) => storedTables(tx, [model]))
        expect(stored).toEqual(model.foldTables(events))
        expect(inBatches(model, events, sizes)).toEqual(stored)
      }
      const live = await Promise.all(members.tables.map((table) => db.dump(`read_models.${table}`)))
      await applied(members, events, [events.length])
      expect(await Promise.all(members.tables.map((table) => db.dump(`read_models.${table}`)))).toEqual(live)
    })
  })

  test('match the events of each election', async () => {
    await afterAnyHistory(async (events, sizes) => {
      await applied(elections, events, sizes)
      const rows = await shown('elections', electionRows.row, 'election_id')
      const opened = events.filter(isOfType('ElectionOpened'))
      expect([...rows.keys()].toSorted()).toEqual(opened.map(({ data }) => data.electionId).toSorted())
      for (const { data, stream } of opened) {
        const own = events.filter((event) => event.stream === stream)
        const cast = own.filter(isOfType('BallotCast'))
        const decided = own.find(isOfType('ElectionDecided'))?.data
        const failed = own.find(isOfType('ElectionFailed'))?.data
        expect(rows.get(data.electionId)).toMatchObject({
          status: decided ? 'decided' : failed ? 'failed' : 'open',
          winner: decided?.winner ?? null,
          winner_member: decided ? councilMembers['ABC'.indexOf(decided.winner)] : null,
          order: decided?.order ?? null,
          ballots: cast.length,
          abstentions: own.filter(isOfType('BallotRejected')).length,
          last_position: own.at(-1)?.position,
        })
        for (const { data: vote, position } of cast)
          expect(ballots.fold(events).get(`${data.electionId}/${vote.member}`)).toMatchObject({
            status: 'cast',
            ballot: vote.ballot,
            voted_position: position,
            own_label: 'ABC'.charAt(councilMembers.findIndex((member) => member === vote.member)),
          })
      }
    })
  })

  test('give members the figures that an independent count of the log gives', async () => {
    await afterAnyHistory(async (events, sizes) => {
      await applied(members, events, sizes)
      const rows = await shown('members', members.row, 'member')
      for (const [member, row] of rows) expect(row).toMatchObject(counted(events, String(member)))
      const paid = events.filter(isOfType('BudgetDebited')).reduce((sum, { data }) => sum + data.actualMicros, 0)
      expect([...rows.values()].reduce((sum, { cost_micros }) => sum + cost_micros, 0)).toBe(paid)
      const running =
        events.filter(isOfType('ElectionOpened')).length -
        events.filter(({ type }) => /^Election(Decided|Failed)$/.test(type)).length
      expect(await db.rows('read_models.open_elections')).toHaveLength(running)
    })
  })

  test('share the places of tied drafts, and compare a ballot with the result only if it could name the winner', async () => {
    const council = await testCouncil()
    // B beats A, A and C tie with each other; then all tie.
    await answeredByCouncil(council, { analyst: ['B', 'C'], sceptic: ['C', 'A'], pragmatist: ['B', 'A'] })
    await answeredByCouncil(council, { analyst: ['B', 'C'], sceptic: ['C', 'A'], pragmatist: ['A', 'B'] })
    const events = await council.events()
    await applied(members, events, [7])
    const decided = events.filter(isOfType('ElectionDecided')).map(({ data }) => data)
    expect(decided.map(({ order }) => order)).toEqual([[['B'], ['C'], ['A']], [['A', 'B', 'C']]])
    const rows = await shown('members', members.row, 'member')
    expect([...councilMembers].map((member) => rows.get(member)?.rank_sum)).toEqual([3 + 2, 1 + 2, 2 + 2])
    const sceptic = rows.get('sceptic')
    const wonTie = decided[1]?.winner === 'B'
    expect(sceptic).toMatchObject({ ballots: 2, ballots_compared: wonTie ? 0 : 1, wins: wonTie ? 2 : 1 })
    expect(rows.get('analyst')).toMatchObject({ elections: 2, drafts: 2, drafts_timed: 2, calls: 4, cost_micros: 30 })
    expect(await db.rows('read_models.open_drafts')).toEqual([])
  })
})

/** The tables of a read model that are folded in memory, in batches of these sizes, again and again. */
function inBatches({ foldTables }: ReadModel, events: readonly AnyRecordedEvent[], sizes: readonly number[]) {
  const tables: MemoryTables = new Map()
  for (let start = 0, batch = 0; start < events.length; batch++) {
    const end = start + sizes[batch % sizes.length]!
    foldTables(events.slice(start, end), tables)
    start = end
  }
  return tables
}

/** The figures of a member, counted anew from the whole log. */
function counted(events: readonly AnyRecordedEvent[], member: string): Partial<MemberRow> {
  const own = <Type extends AnyRecordedEvent['type']>(type: Type) =>
    events.filter(isOfType(type)).filter(({ data }: AnyRecordedEvent) => 'member' in data && data.member === member)
  const label = 'ABC'.charAt(councilMembers.findIndex((name) => name === member))
  const decided = events.filter(isOfType('ElectionDecided'))
  const places = decided.flatMap(({ data }) => {
    const group = data.order.findIndex((labels) => label !== '' && labels.includes(label))
    if (group < 0) return []
    const above = data.order.slice(0, group).flat().length
    return [(above + 1 + above + data.order[group]!.length) / 2]
  })
  const votes = own('BallotCast').flatMap(({ stream, data }) => {
    const result = decided.find((event) => event.stream === stream)?.data
    const ballot = data.ballot as string[]
    if (!result || (result.winner === label && !ballot.includes(label) && isOwnForbidden(events, stream))) return []
    return [result.method === 'approval' ? ballot.includes(result.winner) : ballot[0] === result.winner]
  })
  const latencies = own('DraftProduced').map(({ data, metadata }) => {
    const start = events.filter(isOfType('ModelCallStarted')).find((call) => call.data.callId === data.callId)!
    return Date.parse(metadata.occurredAt) - Date.parse(start.metadata.occurredAt)
  })
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
  const seatings = events.filter(isOfType('CouncilSeated')).map(({ data }) => data)
  const seats = ({ members: seated, chair }: (typeof seatings)[number]) => [
    ...seated.map((seat) => ({ ...seat, seat: 'member' as const })),
    { ...chair, weight: null, seat: 'chair' as const },
  ]
  const isMember = ({ id }: { id: string }) => id === member
  const described = seatings.flatMap(seats).findLast(isMember)
  const newest = seatings.slice(-1).flatMap(seats).find(isMember)
  return {
    name: described?.name ?? null,
    persona: described?.persona ?? null,
    model: described?.model ?? null,
    weight: described?.weight ?? null,
    seat: newest?.seat ?? null,
    elections: councilMembers.some((name) => name === member) ? events.filter(isOfType('ElectionOpened')).length : 0,
    drafts: own('DraftProduced').length,
    drafts_failed: own('DraftFailed').length,
    drafts_timed: latencies.length,
    draft_ms: sum(latencies),
    candidates_ranked: places.length,
    rank_sum: sum(places),
    wins: decided.filter(({ data }) => data.winner === label).length,
    ballots: own('BallotCast').length,
    abstentions: own('BallotRejected').length,
    ballots_compared: votes.length,
    ballots_agreeing: votes.filter(Boolean).length,
    calls: own('BudgetDebited').length,
    cost_micros: sum(own('BudgetDebited').map(({ data }) => data.actualMicros)),
  }
}

const isOwnForbidden = (events: readonly AnyRecordedEvent[], stream: string): boolean =>
  events.filter(isOfType('ElectionOpened')).some((event) => event.stream === stream && !event.data.ownCandidateAllowed)
