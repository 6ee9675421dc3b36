import { sql } from 'kysely'
import { z } from 'zod'
import { ballotFaults, CastableBallot, electionEvents, VotingMethod, type ElectionEvent } from '../events/election.ts'
import type { RecordedEvent } from '../events/event.ts'
import { placeOf } from '../gedi/places.ts'
import { bigint, bytewise, integer, json, nullable, text, textOf, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { storableJson } from './engine/rows.ts'
import { groupProjection } from './engine/table-projection.ts'

const columns = {
  /** `<electionId>/<member>` */
  ballot_id: bytewise(text),
  election_id: bytewise(text),
  member: text,
  method: textOf(VotingMethod),
  status: textOf(z.enum(['awaited', 'cast', 'abstained'])),
  ballot: nullable(json(CastableBallot)),
  /**
   * The place that the ballot gives to the winner, from 1; null before the result, or if the ballot does not name the
   * winner.
   */
  winner_rank: nullable(integer),
  /** The label of the member's own candidate. */
  own_label: nullable(text),
  abstained_why: nullable(textOf(z.enum(ballotFaults))),
  /** Where the member voted or abstained. */
  voted_position: nullable(text),
  /** The model call that wrote the ballot. */
  call_id: nullable(text),
  last_position: text,
  last_sequence: bigint,
}
export type BallotRow = RowOf<typeof columns>

type RecordedElectionEvent = RecordedEvent<ElectionEvent>
type Opened = Extract<RecordedElectionEvent, { type: 'ElectionOpened' }>

/**
 * `read_models.ballots`: one row per election and member of its electorate, from the opening on. A part of the read
 * model `elections`.
 */
export const ballots = groupProjection({
  name: 'ballots',
  version: 1,
  columns,
  key: 'ballot_id',
  group: 'election_id',
  indexes: [sql`(election_id)`, sql`(member)`],
  handles: electionEvents,
  groupOf: ({ stream }) => stream.slice('election/'.length),
  evolve: evolveBallots,
})

/** The ballots of an election, ordered by member. */
export const selectBallots = (tx: Tx, electionId: string): Promise<BallotRow[]> =>
  ballots.select(tx, sql`where election_id = ${electionId} order by ballot_id`)

function evolveBallots(rows: readonly BallotRow[], recorded: RecordedElectionEvent): readonly BallotRow[] {
  const event = storableJson(recorded)
  const last = { last_position: event.position, last_sequence: event.sequence }
  switch (event.type) {
    case 'ElectionOpened':
      return awaited(event)
    case 'BallotCast': {
      const { member, ballot, callId } = event.data
      return changed(rows, event, member, { status: 'cast', ballot, ...votedAt(event, callId) })
    }
    case 'BallotRejected': {
      const { member, why, callId } = event.data
      return changed(rows, event, member, { status: 'abstained', abstained_why: why, ...votedAt(event, callId) })
    }
    case 'ElectionDecided': {
      const { winner } = event.data
      return rows.map((row) => ({
        ...row,
        winner_rank: row.ballot && placeOf(row.method, row.ballot, winner),
        ...last,
      }))
    }
    case 'ElectionFailed':
      return rows.map((row) => ({ ...row, ...last }))
    default:
      return event satisfies never
  }
}

const awaited = ({ data, position, sequence }: Opened): BallotRow[] =>
  data.electorate.map(({ member }) => ({
    ballot_id: `${data.electionId}/${member}`,
    election_id: data.electionId,
    member,
    method: data.method,
    status: 'awaited',
    ballot: null,
    winner_rank: null,
    own_label: data.candidates.find(({ author }) => author === member)?.label ?? null,
    abstained_why: null,
    voted_position: null,
    call_id: null,
    last_position: position,
    last_sequence: sequence,
  }))

function changed(
  rows: readonly BallotRow[],
  { position, sequence, stream, type }: RecordedElectionEvent,
  member: string,
  change: Partial<BallotRow>,
): BallotRow[] {
  if (!rows.some((row) => row.member === member))
    throw new Error(`${type} on ${stream} by ${member}, which is not in the electorate`)
  return rows.map((row) =>
    row.member === member ? { ...row, ...change, last_position: position, last_sequence: sequence } : row,
  )
}

const votedAt = ({ position }: RecordedElectionEvent, callId: string | undefined) => ({
  voted_position: position,
  call_id: callId ?? null,
})
