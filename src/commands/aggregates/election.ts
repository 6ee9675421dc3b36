import type { CastableBallot, ElectionEvent, ElectionRules } from '../../events/election.ts'
import type { Aggregate } from '../decider.ts'

export type CastBallotOf = { member: string; ballot: CastableBallot }

/** The state of an election. A finished election keeps only its status; the log has its ballots. */
export type Election =
  | { status: 'absent' }
  | { status: 'open'; rules: ElectionRules; ballots: CastBallotOf[]; abstained: string[] }
  | { status: 'finished' }

const finished: Election = { status: 'finished' }

export const election: Aggregate<Election, ElectionEvent, 'election'> = {
  category: 'election',
  stateVersion: 1,
  initial: { status: 'absent' },
  finished,
  evolve(state, event) {
    if (event.type === 'ElectionOpened') {
      const { electionId: _, openedAt: __, ...rules } = event.data
      return { status: 'open', rules, ballots: [], abstained: [] }
    }
    if (state.status !== 'open') throw new Error(`${event.type} in an election that is ${state.status}`)
    switch (event.type) {
      case 'BallotCast': {
        const { member, ballot } = event.data
        return { ...state, ballots: [...state.ballots, { member, ballot }] }
      }
      case 'BallotRejected':
        return { ...state, abstained: [...state.abstained, event.data.member] }
      case 'ElectionDecided':
      case 'ElectionFailed':
        return finished
      default:
        return event satisfies never
    }
  },
}

/** Why a member may not take part in an election now; null if it may. */
export function votingProblem(
  state: Election,
  member: string,
): 'election_unknown' | 'election_closed' | 'not_in_electorate' | 'already_voted' | null {
  if (state.status === 'absent') return 'election_unknown'
  if (state.status === 'finished') return 'election_closed'
  if (!state.rules.electorate.some((voter) => voter.member === member)) return 'not_in_electorate'
  const hasVoted = state.abstained.includes(member) || state.ballots.some((cast) => cast.member === member)
  return hasVoted ? 'already_voted' : null
}
