import { sql, type RawBuilder } from 'kysely'
import { z } from 'zod'
import { electionEvents, ElectionRules, VotingMethod, type ElectionEvent } from '../events/election.ts'
import type { RecordedEvent } from '../events/event.ts'
import type { Principal } from '../events/identifiers.ts'
import { isoTime } from '../platform/clock.ts'
import { ballots } from './ballots.ts'
import { isPromptOf } from './chats.ts'
import {
  boolean,
  bytewise,
  integer,
  json,
  nullable,
  text,
  textOf,
  timestamp,
  bigint,
  type RowOf,
} from './engine/columns.ts'
import { joined } from './engine/joined.ts'
import type { Tx } from './engine/projection.ts'
import { storableJson } from './engine/rows.ts'
import { tableProjection } from './engine/table-projection.ts'

const columns = {
  election_id: bytewise(text),
  purpose: textOf(ElectionRules.shape.purpose),
  /** The request or the bounty that the election decides. */
  ref: text,
  method: textOf(VotingMethod),
  status: textOf(z.enum(['open', 'decided', 'failed'])),
  /** Why a failed election has no result. */
  failed_why: nullable(text),
  /** The label of the candidate that is taken, and its author. */
  winner: nullable(text),
  winner_member: nullable(text),
  /** Every label that the method elects; null without a result. */
  winners: nullable(json(z.array(z.string()))),
  /** Groups of equals, best first. */
  order: nullable(json(z.array(z.array(z.string())))),
  tally: nullable(json(z.record(z.string(), z.number()))),
  /** How the method came to its result: the reason in one sentence, then the steps. */
  trace: nullable(json(z.array(z.string()))),
  quorum: integer,
  ballots: integer,
  abstentions: integer,
  candidates: json(ElectionRules.shape.candidates),
  electorate: json(ElectionRules.shape.electorate),
  own_candidate_allowed: boolean,
  /** Decides ties and draws. */
  seed: text,
  /** The member whose ballot decides under `informed_dictator`. */
  dictator: nullable(text),
  opened_at: timestamp,
  closed_at: nullable(timestamp),
  first_position: text,
  last_position: text,
  last_sequence: bigint,
}
export type ElectionRow = RowOf<typeof columns>

type RecordedElectionEvent = RecordedEvent<ElectionEvent>
type Opened = Extract<RecordedElectionEvent, { type: 'ElectionOpened' }>

const table = tableProjection({
  name: 'elections',
  version: 2,
  columns,
  key: 'election_id',
  indexes: [sql`(ref)`],
  handles: electionEvents,
  keyOf: ({ stream }) => stream.slice('election/'.length),
  evolve: evolveElectionRow,
})

/**
 * `read_models.elections`: one row per election, with its rules and its result. `read_models.ballots` belongs to the
 * same read model, so an election and its ballots are read at one position.
 */
export const elections = joined('elections', 2, [table, ballots])

export const electionRows = table

/** A page of rows, newest first: those before an id, or the first; elections about answers only for one subject's prompts. */
export function selectElections(
  tx: Tx,
  before: string | undefined,
  limit: number,
  promptsOf: Principal | null,
): Promise<ElectionRow[]> {
  const older = before === undefined ? sql`true` : sql`election_id < ${before}`
  return table.select(tx, sql`where ${older} and ${isSeen(promptsOf)} order by election_id desc limit ${limit}`)
}

export const selectElection = async (
  tx: Tx,
  electionId: string,
  promptsOf: Principal | null,
): Promise<ElectionRow | undefined> =>
  (await table.select(tx, sql`where election_id = ${electionId} and ${isSeen(promptsOf)}`))[0]

/** An election about an answer belongs to its asker; null: those of all subjects. */
const isSeen = (promptsOf: Principal | null): RawBuilder<unknown> =>
  promptsOf === null ? sql`true` : sql`(purpose <> 'answer' or ${isPromptOf(sql`ref`, promptsOf)})`

function evolveElectionRow(row: ElectionRow | undefined, event: RecordedElectionEvent): ElectionRow {
  if (event.type === 'ElectionOpened') {
    if (row) throw new Error(`${event.stream} was opened twice`)
    return opened(storableJson(event))
  }
  if (!row) throw new Error(`${event.type} on ${event.stream}, which was never opened`)
  return { ...row, ...changes(row, event), last_position: event.position, last_sequence: event.sequence }
}

function changes(row: ElectionRow, event: Exclude<RecordedElectionEvent, Opened>): Partial<ElectionRow> {
  switch (event.type) {
    case 'BallotCast':
      return { ballots: row.ballots + 1 }
    case 'BallotRejected':
      return { abstentions: row.abstentions + 1 }
    case 'ElectionDecided': {
      const { winner, winners, order, tally, trace } = storableJson(event.data)
      return {
        status: 'decided',
        closed_at: isoTime(Date.parse(event.metadata.occurredAt)),
        winner,
        winner_member: row.candidates.find(({ label }) => label === winner)?.author ?? null,
        winners,
        order,
        tally,
        trace: [...trace],
      }
    }
    case 'ElectionFailed':
      return { status: 'failed', closed_at: isoTime(Date.parse(event.metadata.occurredAt)), failed_why: event.data.why }
    default:
      return event satisfies never
  }
}

const opened = ({ data, position, sequence }: Opened): ElectionRow => ({
  election_id: data.electionId,
  purpose: data.purpose,
  ref: data.ref,
  method: data.method,
  status: 'open',
  failed_why: null,
  winner: null,
  winner_member: null,
  winners: null,
  order: null,
  tally: null,
  trace: null,
  quorum: data.quorum,
  ballots: 0,
  abstentions: 0,
  candidates: data.candidates,
  electorate: data.electorate,
  own_candidate_allowed: data.ownCandidateAllowed,
  seed: data.seed,
  dictator: data.dictator ?? null,
  opened_at: isoTime(Date.parse(data.openedAt)),
  closed_at: null,
  first_position: position,
  last_position: position,
  last_sequence: sequence,
})
