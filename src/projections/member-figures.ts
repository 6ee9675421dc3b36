/** The figures of members, and how events change them: a part of the read model `members`. */

import { z } from 'zod'
import { budgetEvents } from '../events/budget.ts'
import { chatEvents } from '../events/chat.ts'
import { CastableBallot, electionEvents, VotingMethod } from '../events/election.ts'
import { isEventOf, type EventOf, type RecordedEvent } from '../events/event.ts'
import type { Position } from '../events/identifiers.ts'
import { modelCallEvents } from '../events/model-call.ts'
import { meanPlaces, placeOf } from '../gedi/places.ts'
import { isCost } from './costs.ts'
import { bigint, boolean, bytewise, double, integer, json, text, textOf, type RowOf } from './engine/columns.ts'
import { storableJson, storableText } from './engine/rows.ts'
import { tableOf } from './engine/table.ts'

/** Sums over the events of a member, so that the figures of any range are the sums of its changes. */
export const figures = {
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
export type MemberFigures = RowOf<typeof figures>

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

/** The part of each open election that its result needs. */
export const openElections = tableOf({
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
export const openDrafts = tableOf({
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

export const figureEvents = {
  ...electionEvents,
  ModelCallStarted: modelCallEvents.ModelCallStarted,
  DraftProduced: chatEvents.DraftProduced,
  DraftFailed: chatEvents.DraftFailed,
  AnswerCompleted: chatEvents.AnswerCompleted,
  AnswerFailed: chatEvents.AnswerFailed,
  AnswerCancelled: chatEvents.AnswerCancelled,
  BudgetDebited: budgetEvents.BudgetDebited,
} as const
type HandledEvent = RecordedEvent<EventOf<typeof figureEvents>>
const canHandle = isEventOf(figureEvents)

/** The addition of one event to the figures of one member. */
export type MemberChange = { member: string; position: Position; sequence: number; figures: Partial<MemberFigures> }

/** The open elections, and the draft calls of open prompts, at one point of the log. */
export type Underway = { elections: Map<string, OpenElectionRow>; drafts: Map<string, OpenDraftRow> }
export const nothingUnderway = (): Underway => ({ elections: new Map(), drafts: new Map() })

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

type DraftEvent = Extract<HandledEvent, { type: keyof typeof chatEvents | 'ModelCallStarted' }>

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
