import { z } from 'zod'
import { Uuid7 } from '../../events/identifiers.ts'
import { selectBallots, type BallotRow } from '../../projections/ballots.ts'
import { elections, selectElection, selectElections, type ElectionRow } from '../../projections/elections.ts'
import { memberReport } from '../../projections/member-figures.ts'
import { members, selectMembers, type MemberRow } from '../../projections/members.ts'
import { promptsOf } from '../access/identity.ts'
import { query, type Query } from './query.ts'
import { listQuery } from './row-queries.ts'

/** The elections of the council, and the contribution and cost of its members. */
export const electionQueries: readonly Query[] = [
  listQuery({
    path: '/v1/elections',
    scope: 'chat:read',
    readModel: elections,
    name: 'elections',
    cursor: Uuid7,
    select: (tx, cursor, limit, viewer) => selectElections(tx, cursor, limit, promptsOf(viewer)),
    cursorOf: (row) => row.election_id as Uuid7,
    print: printElection,
  }),
  query({
    path: '/v1/elections/:id',
    scope: 'chat:read',
    readModel: elections,
    fields: {},
    id: Uuid7,
    notFound: 'there is no such election',
    async answer(tx, _, electionId, viewer) {
      const row = await selectElection(tx, electionId, promptsOf(viewer))
      if (!row) return null
      const ballots = await selectBallots(tx, electionId)
      return { ...printElection(row), ballots: ballots.map(printBallot) }
    },
  }),
  listQuery({
    path: '/v1/members',
    scope: 'chat:read',
    readModel: members,
    name: 'members',
    // The chair and the fast path are paid under names of their own.
    cursor: z.string().regex(/^[^\0]{1,64}$/),
    select: (tx, cursor, limit) => selectMembers(tx, cursor ?? '', limit),
    cursorOf: (row) => row.member,
    print: printMember,
  }),
]

function printElection(row: ElectionRow) {
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

function printBallot(row: BallotRow) {
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

function printMember(row: MemberRow) {
  const { member, name, persona, model, weight, seat } = row
  return { member, name, persona, model, weight, seat, ...memberReport(row), lastPosition: row.last_position }
}
