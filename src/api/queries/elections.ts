import { z } from 'zod'
import { ballotFaults, CastableBallot, ElectionRules, VotingMethod } from '../../events/election.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { selectBallots, type BallotRow } from '../../projections/ballots.ts'
import { elections, selectElection, selectElections, type ElectionRow } from '../../projections/elections.ts'
import { memberReport } from '../../projections/member-figures.ts'
import { members, selectMembers, type MemberRow } from '../../projections/members.ts'
import { promptsOf } from '../access/identity.ts'
import { Count, LastPosition, Micros, Positions, Time } from './fields.ts'
import { always, query, type Query } from './query.ts'
import { recountQuery } from './recount.ts'
import { listQuery } from './row-queries.ts'

const Election = z
  .object({
    election: z.string(),
    purpose: ElectionRules.shape.purpose,
    ref: z.string().meta({ description: 'The request or the bounty that it decides.' }),
    method: VotingMethod,
    status: z.enum(['open', 'decided', 'failed']),
    why: z.string().optional().meta({ description: 'Why it has no result.' }),
    winner: z.string().nullable().meta({ description: 'The label of the candidate that is taken.' }),
    winnerMember: z.string().nullable(),
    winners: z.array(z.string()).nullable(),
    order: z.array(z.array(z.string())).nullable().meta({ description: 'Labels, best first; equals share a group.' }),
    tally: z.record(z.string(), z.number()).nullable(),
    reason: z.string().nullable().meta({ description: 'Why the method came to this result, in one sentence.' }),
    quorum: Count,
    ballotsCast: Count,
    abstentions: Count,
    candidates: ElectionRules.shape.candidates,
    electorate: ElectionRules.shape.electorate,
    ownCandidateAllowed: z.boolean(),
    openedAt: Time,
    closedAt: Time.nullable(),
    positions: Positions,
  })
  .meta({ id: 'Election' })

const Ballot = z
  .object({
    member: z.string(),
    status: z.enum(['awaited', 'cast', 'abstained']),
    ballot: CastableBallot.nullable(),
    winnerRank: z.int().nullable().meta({ description: 'The place that it gives to the winner, from 1.' }),
    ownLabel: z.string().nullable().meta({ description: "The label of the member's own candidate." }),
    abstainedWhy: z.enum(ballotFaults).nullable(),
    position: z.string().nullable(),
    callId: z.string().nullable().meta({ description: 'The model call that wrote it.' }),
  })
  .meta({ id: 'Ballot' })
const ElectionWithBallots = Election.extend({
  ballots: z.array(Ballot),
  trace: z.array(z.string()).nullable().meta({ description: 'The steps of the count; null without a result.' }),
}).meta({ id: 'ElectionWithBallots' })

const Share = z.number().nullable()
const Member = z
  .object({
    member: z.string(),
    name: z.string().nullable(),
    persona: z.string().nullable(),
    model: z.string().nullable().meta({ description: 'Null: the default model.' }),
    weight: z.number().nullable(),
    seat: z.enum(['member', 'chair']).nullable().meta({ description: 'Null: it does not sit now.' }),
    elections: Count,
    drafts: Count,
    draftsFailed: Count,
    meanDraftMs: Share,
    wins: Count,
    meanRank: Share,
    ballots: Count,
    abstentions: Count,
    agreement: Share.meta({ description: 'The share of its ballots that put the winner first.' }),
    calls: Count,
    costMicros: Micros,
    costPerWinMicros: Micros.nullable(),
    lastPosition: LastPosition,
  })
  .meta({ id: 'Member' })

/** The elections of the council, and the contribution and cost of its members. */
export const electionQueries: readonly Query[] = [
  listQuery({
    path: '/v1/elections',
    summary: 'Elections, the newest first.',
    scope: 'chat:read',
    readModel: elections,
    isByAsker: true,
    name: 'elections',
    row: Election,
    cursor: Uuid7,
    select: (tx, cursor, limit, viewer) => selectElections(tx, cursor, limit, promptsOf(viewer)),
    cursorOf: (row) => row.election_id as Uuid7,
    print: printElection,
  }),
  query({
    path: '/v1/elections/:id',
    summary: 'One election with every ballot.',
    scope: 'chat:read',
    readModel: elections,
    isByAsker: true,
    fields: {},
    id: Uuid7,
    body: ElectionWithBallots,
    notFound: 'there is no such election',
    async answer(tx, _, electionId, viewer) {
      const row = await selectElection(tx, electionId, promptsOf(viewer))
      if (!row) return null
      const ballots = await selectBallots(tx, electionId)
      return { ...printElection(row), ballots: ballots.map(printBallot), trace: row.trace }
    },
  }),
  recountQuery,
  listQuery({
    path: '/v1/members',
    summary: 'The members that sit or sat in the council, with their contributions and costs.',
    scope: 'chat:read',
    readModel: members,
    isCommon: always,
    name: 'members',
    row: Member,
    // The chair and the fast path are paid under names of their own.
    cursor: z.string().regex(/^[^\0]{1,64}$/),
    select: (tx, cursor, limit) => selectMembers(tx, cursor ?? '', limit),
    cursorOf: (row) => row.member,
    print: printMember,
  }),
]

function printElection(row: ElectionRow): z.output<typeof Election> {
  return {
    election: row.election_id,
    purpose: row.purpose,
    ref: row.ref,
    method: row.method,
    status: row.status,
    ...(row.failed_why !== null && { why: row.failed_why }),
    winner: row.winner,
    winnerMember: row.winner_member,
    winners: row.winners,
    order: row.order,
    tally: row.tally,
    reason: row.trace?.[0] ?? null,
    quorum: row.quorum,
    ballotsCast: row.ballots,
    abstentions: row.abstentions,
    candidates: row.candidates,
    electorate: row.electorate,
    ownCandidateAllowed: row.own_candidate_allowed,
    openedAt: row.opened_at,
    closedAt: row.closed_at,
    positions: { first: row.first_position, last: row.last_position },
  }
}

function printBallot(row: BallotRow): z.output<typeof Ballot> {
  return {
    member: row.member,
    status: row.status,
    ballot: row.ballot,
    winnerRank: row.winner_rank,
    ownLabel: row.own_label,
    abstainedWhy: row.abstained_why,
    position: row.voted_position,
    callId: row.call_id,
  }
}

function printMember(row: MemberRow): z.output<typeof Member> {
  const { member, name, persona, model, weight, seat } = row
  return { member, name, persona, model, weight, seat, ...memberReport(row), lastPosition: row.last_position }
}
