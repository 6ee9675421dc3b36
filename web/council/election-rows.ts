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
