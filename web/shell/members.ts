import { computed } from '@preact/signals'
import { liveRows } from '../live.ts'
import { load, loading } from '../loaded.ts'

/** A row of `GET /v1/members`. Means, shares and the cost of a win are null where there is nothing to divide by. */
export type MemberRow = {
  member: string
  name: string | null
  persona: string | null
  /** Null: the council's default. */
  model: string | null
  weight: number | null
  /** Null: it does not sit now. */
  seat: 'member' | 'chair' | null
  elections: number
  drafts: number
  draftsFailed: number
  meanDraftMs: number | null
  wins: number
  meanRank: number | null
  ballots: number
  abstentions: number
  /** The share of its ballots that put the winner first. */
  agreement: number | null
  calls: number
  costMicros: number
  costPerWinMicros: number | null
  lastPosition: string
}

/** With their figures, which change with every answer. */
export const liveMembers = liveRows<MemberRow>(() => 'members', 'members')

/** As they sat when the page was opened: who they are, on every page. */
const members = loading<readonly MemberRow[]>()
export const loadMembers = (): Promise<void> => load(members, '/v1/members', 'members')

const hues = 6
/** Those that vote come first, so that a chair or an earlier member takes no hue from them. */
const places = computed(() => {
  const rows = members.value.state === 'there' ? members.value.value : []
  const voting = rows.filter(({ seat }) => seat === 'member')
  const others = rows.filter(({ seat }) => seat !== 'member')
  return new Map([...voting, ...others].map(({ member }, index) => [member, index]))
})

/** The class that gives a member its hue, the same on every page; grey for other names, and before the members are known. */
export function hueOf(member: string | null): string {
  const place = member === null ? undefined : places.value.get(member)
  return place === undefined ? 'hue-none' : `hue-${(place % hues) + 1}`
}

/** The name of a member, or its id. */
export function nameOf(member: string): string {
  const rows = members.value.state === 'there' ? members.value.value : []
  return rows.find((row) => row.member === member)?.name ?? member
}
