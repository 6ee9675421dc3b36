import { sql } from 'kysely'
import { z } from 'zod'
import { budgetEvents } from '../events/budget.ts'
import { chatEvents } from '../events/chat.ts'
import { CastableBallot, electionEvents, VotingMethod } from '../events/election.ts'
import { isEventOf, type EventOf, type RecordedEvent } from '../events/event.ts'
import type { Position } from '../events/identifiers.ts'
import { meanPlaces, placeOf } from '../gedi/places.ts'
import { isCost } from './costs.ts'
import { bigint, boolean, bytewise, double, integer, json, text, textOf, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { rowsIn, type MemoryTables } from './engine/read-model.ts'
import { storableJson, storableText } from './engine/rows.ts'
import { tableOf } from './engine/table.ts'
import type { TableProjection } from './engine/table-projection.ts'

/** Sums over the events of a member, so that the figures of any range are the sums of its changes. */
const figures = {
  /** Elections in whose electorate the member was. */
  elections: integer,
  drafts: integer,
  drafts_failed: integer,
  /** Drafts with a known start of their call, and the sum of the times from there to the draft. */
  drafts_timed: integer,
  draft_ms: bigint,
  /**
   * Its candidates in decided elections, and the sum of their places; tied candidates share the mean of their places.
   */
  candidates_ranked: integer,
  rank_sum: double,
  wins: integer,
  ballots: integer,
  abstentions: integer,
  /** Its ballots in decided elections that could name the winner, and those of them that put it first. */
  ballots_compared: integer,
  ballots_agreeing: integer,
  /** Model calls that cost the council, and their cost. */
  calls: integer,
  cost_micros: bigint,
}
const columns = { member: bytewise(text), ...figures, last_position: text, last_sequence: bigint }
export type MemberRow = RowOf<typeof columns>
export type MemberFigures = RowOf<typeof figures>

/** The part of each open election that its result needs. */
const openElections = tableOf({
  name: 'open_elections',
  key: 'election_id',
  columns: {
    election_id: bytewise(text),
    method: textOf(VotingMethod),
    own_candidate_allowed: boolean,
    /** Label → author. */
    authors: json(z.record(z.string(), z.string())),
    /** Member → ballot. */
    ballots: json(z.record(z.string(), CastableBallot)),
    last_position: text,
    last_sequence: bigint,
  },
})
/** The starts of the draft calls of a prompt that has not ended. */
const openDrafts = tableOf({
  name: 'open_drafts',
  key: 'request_id',
  columns: {
    request_id: bytewise(text),
    /** Call id → start, in milliseconds. */
    started_ms: json(z.record(z.string(), z.number())),
    last_position: text,
    last_sequence: bigint,
  },
})
type OpenElectionRow = z.output<(typeof openElections)['row']>
type OpenDraftRow = z.output<(typeof openDrafts)['row']>

const handled = {
  ...electionEvents,
  ModelCallStarted: chatEvents.ModelCallStarted,
  DraftProduced: chatEvents.DraftProduced,
  DraftFailed: chatEvents.DraftFailed,
  AnswerCompleted: chatEvents.AnswerCompleted,
  AnswerFailed: chatEvents.AnswerFailed,
  AnswerCancelled: chatEvents.AnswerCancelled,
  BudgetDebited: budgetEvents.BudgetDebited,
} as const
type HandledEvent = RecordedEvent<EventOf<typeof handled>>
const canHandle = isEventOf(handled)

/** The addition of one event to the figures of one member. */
export type MemberChange = { member: string; position: Position; sequence: number; figures: Partial<MemberFigures> }

/** The open elections, and the draft calls of open prompts, at one point of the log. */
export type Underway = { elections: Map<string, OpenElectionRow>; drafts: Map<string, OpenDraftRow> }
export const nothingUnderway = (): Underway => ({ elections: new Map(), drafts: new Map() })

const table = tableOf({ name: 'members', key: 'member', columns })
const stored = [table, openElections, openDrafts] as const

function foldTables(events: readonly RecordedEvent[], tables: MemoryTables = new Map()): MemoryTables {
  const underway: Underway = { elections: rowsIn(tables, 'open_elections'), drafts: rowsIn(tables, 'open_drafts') }
  addChanges(rowsIn(tables, 'members'), memberChanges(events, underway))
  return tables
}

/**
 * `read_models.members`: one row per member that sat on the council or was paid, the chair and the fast path included,
 * so that the costs of all rows sum to the cost of the council. `open_elections` and `open_drafts` hold the facts that
 * later events need.
 */
export const members: TableProjection<typeof columns, 'member'> = {
  name: 'members',
  version: 1,
  tables: stored.map(({ name }) => name),
  stored,
  handles: new Set(Object.keys(handled)),
  key: table.key,
  row: table.row,
  foldTables,
  fold: (events) => rowsIn(foldTables(events), 'members'),
  select: (tx, clauses) => table.select(tx, 'read_models', clauses),

  async createTables(tx, schema) {
    for (const { create } of stored) await create(tx, schema)
  },

  async apply(tx, schema, events) {
    const known = events.filter(canHandle)
    if (known.length === 0) return
    const ids = (category: string) => [
      ...new Set(
        known.map(({ stream }) => stream.split('/')).flatMap(([of, id = '']) => (of === category ? [id] : [])),
      ),
    ]
    const underway: Underway = {
      elections: keyed(await openElections.load(tx, schema, 'election_id', ids('election')), 'election_id'),
      drafts: keyed(await openDrafts.load(tx, schema, 'request_id', ids('chat')), 'request_id'),
    }
    const [electionIds, requestIds] = [[...underway.elections.keys()], [...underway.drafts.keys()]]
    const changes = memberChanges(known, underway)
    const named = [...new Set(changes.map(({ member }) => member))]
    const rows = addChanges(keyed(await table.load(tx, schema, 'member', named), 'member'), changes)
    await table.save(tx, schema, [...rows.values()])
    await openElections.save(tx, schema, [...underway.elections.values()])
    await openElections.remove(tx, schema, missingIn(underway.elections, electionIds))
    await openDrafts.save(tx, schema, [...underway.drafts.values()])
    await openDrafts.remove(tx, schema, missingIn(underway.drafts, requestIds))
  },
}

/** A page of rows after a member (`''`: from the first), ordered by member. */
export const selectMembers = (tx: Tx, after: string, limit: number): Promise<MemberRow[]> =>
  members.select(tx, sql`where member > ${after} order by member limit ${limit}`)

const keyed = <Row, Key extends keyof Row>(rows: readonly Row[], key: Key): Map<Row[Key], Row> =>
  new Map(rows.map((row) => [row[key], row]))
const missingIn = (open: ReadonlyMap<string, unknown>, ids: readonly string[]): string[] =>
  ids.filter((id) => !open.has(id))

export const noFigures: MemberFigures = {
  elections: 0,
  drafts: 0,
  drafts_failed: 0,
  drafts_timed: 0,
  draft_ms: 0,
  candidates_ranked: 0,
  rank_sum: 0,
  wins: 0,
  ballots: 0,
  abstentions: 0,
  ballots_compared: 0,
  ballots_agreeing: 0,
  calls: 0,
  cost_micros: 0,
}

export function addFigures(to: MemberFigures, added: Partial<MemberFigures>): MemberFigures {
  const names = Object.keys(noFigures) as (keyof MemberFigures)[]
  return Object.fromEntries(names.map((name) => [name, to[name] + (added[name] ?? 0)])) as MemberFigures
}

/**
 * The figures of a member as people read them. Means, shares and the cost of a win are null where there is nothing to
 * divide by.
 */
export function memberReport(sums: MemberFigures) {
  const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole)
  const costPerWin = share(sums.cost_micros, sums.wins)
  return {
    elections: sums.elections,
    drafts: sums.drafts,
    draftsFailed: sums.drafts_failed,
    meanDraftMs: share(sums.draft_ms, sums.drafts_timed),
    wins: sums.wins,
    meanRank: share(sums.rank_sum, sums.candidates_ranked),
    ballots: sums.ballots,
    abstentions: sums.abstentions,
    agreement: share(sums.ballots_agreeing, sums.ballots_compared),
    calls: sums.calls,
    costMicros: sums.cost_micros,
    costPerWinMicros: costPerWin === null ? null : Math.round(costPerWin),
  }
}
export type MemberReport = ReturnType<typeof memberReport>

function addChanges(rows: Map<string, MemberRow>, changes: readonly MemberChange[]): Map<string, MemberRow> {
  for (const { member, position, sequence, figures: added } of changes) {
    const sums = addFigures(rows.get(member) ?? noFigures, added)
    rows.set(member, { member, ...sums, last_position: position, last_sequence: sequence })
  }
  return rows
}

/** The changes that events make, in order. `underway` is the state before them, and is updated in place. */
export const memberChanges = (events: readonly RecordedEvent[], underway: Underway): MemberChange[] =>
  events
    .filter(canHandle)
    .flatMap((event) =>
      changesBy(event, underway).map(([member, added]) => ({
        member: storableText(member),
        position: event.position,
        sequence: event.sequence,
        figures: added,
      })),
    )

type Changes = [member: string, Partial<MemberFigures>][]

function changesBy(event: HandledEvent, underway: Underway): Changes {
  switch (event.type) {
    case 'ElectionOpened':
    case 'BallotCast':
    case 'BallotRejected':
    case 'ElectionDecided':
    case 'ElectionFailed':
      return electionChanges(event, underway.elections)
    case 'ModelCallStarted':
    case 'DraftProduced':
    case 'DraftFailed':
    case 'AnswerCompleted':
    case 'AnswerFailed':
    case 'AnswerCancelled':
      return draftChanges(event, underway.drafts)
    case 'BudgetDebited':
      return isCost(event) ? [[event.data.member, { calls: 1, cost_micros: event.data.actualMicros }]] : []
    default:
      return event satisfies never
  }
}

type ElectionEvent = Extract<HandledEvent, { type: keyof typeof electionEvents }>

function electionChanges(recorded: ElectionEvent, open: Underway['elections']): Changes {
  const event = storableJson(recorded)
  const electionId = event.stream.slice('election/'.length)
  const last = { last_position: event.position, last_sequence: event.sequence }
  if (event.type === 'ElectionOpened') {
    const { candidates, electorate, method, ownCandidateAllowed } = event.data
    const authors = candidates.flatMap(({ label, author }) => (author === undefined ? [] : [[label, author]]))
    open.set(electionId, {
      election_id: electionId,
      method,
      own_candidate_allowed: ownCandidateAllowed,
      authors: Object.fromEntries(authors) as Record<string, string>,
      ballots: {},
      ...last,
    })
    return electorate.map(({ member }) => [member, { elections: 1 }])
  }
  const election = open.get(electionId)
  if (!election) throw new Error(`${event.type} on ${event.stream}, which is not open`)
  switch (event.type) {
    case 'BallotCast': {
      const { member, ballot } = event.data
      open.set(electionId, { ...election, ballots: { ...election.ballots, [member]: ballot }, ...last })
      return [[member, { ballots: 1 }]]
    }
    case 'BallotRejected':
      return [[event.data.member, { abstentions: 1 }]]
    case 'ElectionDecided':
      open.delete(electionId)
      return resultChanges(election, event.data)
    case 'ElectionFailed':
      open.delete(electionId)
      return []
    default:
      return event satisfies never
  }
}

function resultChanges(
  { method, authors, ballots, own_candidate_allowed }: OpenElectionRow,
  { winner, order }: { winner: string; order: readonly (readonly string[])[] },
): Changes {
  const places = meanPlaces(order)
  const ranked = Object.entries(authors).map(([label, author]): Changes[number] => [
    author,
    { candidates_ranked: 1, rank_sum: places.get(label) ?? 0, wins: label === winner ? 1 : 0 },
  ])
  const compared = Object.entries(ballots)
    .filter(([member]) => own_candidate_allowed || authors[winner] !== member)
    .map(([member, ballot]): Changes[number] => [
      member,
      { ballots_compared: 1, ballots_agreeing: placeOf(method, ballot, winner) === 1 ? 1 : 0 },
    ])
  return [...ranked, ...compared]
}

type DraftEvent = Extract<HandledEvent, { type: keyof typeof chatEvents }>

function draftChanges(event: DraftEvent, open: Underway['drafts']): Changes {
  const requestId = event.stream.slice('chat/'.length)
  const atMs = Date.parse(event.metadata.occurredAt)
  switch (event.type) {
    case 'ModelCallStarted': {
      if (event.data.phase !== 'draft') return []
      open.set(requestId, {
        request_id: requestId,
        started_ms: { ...open.get(requestId)?.started_ms, [storableText(event.data.callId)]: atMs },
        last_position: event.position,
        last_sequence: event.sequence,
      })
      return []
    }
    case 'DraftProduced': {
      const startedMs = open.get(requestId)?.started_ms[storableText(event.data.callId)]
      // The clocks of two processes may differ.
      const timed = startedMs === undefined ? {} : { drafts_timed: 1, draft_ms: Math.max(0, atMs - startedMs) }
      return [[event.data.member, { drafts: 1, ...timed }]]
    }
    case 'DraftFailed':
      return [[event.data.member, { drafts_failed: 1 }]]
    case 'AnswerCompleted':
    case 'AnswerFailed':
    case 'AnswerCancelled':
      open.delete(requestId)
      return []
    default:
      return event satisfies never
  }
}
