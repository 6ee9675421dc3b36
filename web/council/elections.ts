import type { Signal } from '@preact/signals'
import { live, liveRows } from '../live.ts'
import { asked, bodyOf, loading, type Loaded } from '../loaded.ts'
import type { BallotRow, ElectionRow } from './election-rows.ts'

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
  const path = `/v1/elections/${encodeURIComponent(electionId)}/recount`
  void asked(() => bodyOf<Recount>(path, {})).then((recount) => (made.value = recount))
  return made
}
