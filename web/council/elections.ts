import type { Signal } from '@preact/signals'
import { live, liveRows } from '../live.ts'
import { loading, type Loaded } from '../loaded.ts'
import { council, faultOf } from '../server.ts'

/** A row of `GET /v1/elections`. */
export type ElectionRow = {
  election: string
  purpose: 'answer' | 'bounty'
  /** The request or the bounty that it decides. */
  ref: string
  method: string
  status: 'open' | 'decided' | 'failed'
  why?: string
  winner: string | null
  winnerMember: string | null
  winners: readonly string[] | null
  order: readonly (readonly string[])[] | null
  tally: Readonly<Record<string, number>> | null
  reason: string | null
  quorum: number
  ballotsCast: number
  abstentions: number
  candidates: readonly { label: string; standsFor: string; author?: string }[]
  electorate: readonly { member: string; weight: number }[]
  openedAt: string
  closedAt: string | null
}

export type BallotRow = {
  member: string
  status: 'awaited' | 'cast' | 'abstained'
  /** A ranking, best first; a set of approved labels; or a score for each label. */
  ballot: readonly string[] | Readonly<Record<string, number>> | null
  ownLabel: string | null
  abstainedWhy: string | null
  position: string | null
}
export type Election = ElectionRow & { ballots: readonly BallotRow[]; trace: readonly string[] | null }

type ComparedMethod = { method: string; why: string } & (
  | { counted: true; winners: readonly string[]; order: readonly (readonly string[])[]; electsTheSame: boolean }
  | { counted: false; code: string }
)
export type Recount = {
  agrees: boolean | null
  differing: readonly string[]
  methods: readonly ComparedMethod[]
  condorcetWinner: string | null
  reason: string | null
}

export const elections = liveRows<ElectionRow>(() => 'elections?limit=100', 'elections')
export const electionOf = (electionId: string) => live<Election>(`elections/${encodeURIComponent(electionId)}`)

export function recountOf(electionId: string): Signal<Loaded<Recount>> {
  const made = loading<Recount>()
  void readInto(made, `/v1/elections/${encodeURIComponent(electionId)}/recount`)
  return made
}

async function readInto<T>(into: Signal<Loaded<T>>, path: string): Promise<void> {
  try {
    into.value = { state: 'there', value: (await council.read<T>(path)).body }
  } catch (error) {
    into.value = { state: 'failed', why: faultOf(error) }
  }
}

export const methodName = (method: string): string => {
  const words = method.replaceAll('_', ' ')
  return method === 'irv' ? 'Instant run-off' : `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}

/** The rule's result in one sentence, and in another what led to it. */
export function sentenceOf(election: ElectionRow): string {
  const { method, status, winner, why, candidates, ballotsCast, electorate } = election
  const voted = `${ballotsCast} of ${electorate.length} ballots`
  if (status === 'open') return `The vote is open, with ${voted}.`
  if (status === 'failed')
    return `The vote failed for want of a ${why === 'dictator' ? 'dictator' : 'quorum'}, with ${voted}.`
  const of = candidates.find(({ label }) => label === winner)
  const meaning =
    of === undefined
      ? ''
      : of.author === undefined
        ? `: ${of.standsFor.replaceAll('_', ' ')}`
        : `, the draft of ${of.author}`
  return `${methodName(method)} elects ${winner}${meaning}.`
}

/** The place of a label on a ballot, or its score; null: the ballot does not name it. */
export function placeOn(ballot: BallotRow['ballot'], label: string, method: string): string | null {
  if (ballot === null) return null
  if (!isList(ballot)) return label in ballot ? String(ballot[label]) : null
  const place = ballot.indexOf(label)
  if (place < 0) return null
  return method === 'approval' ? '✓' : String(place + 1)
}

const isList = (ballot: NonNullable<BallotRow['ballot']>): ballot is readonly string[] => Array.isArray(ballot)
