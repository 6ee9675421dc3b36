import type { CastableBallot, ElectionEvent, ElectionRules } from '../events/election.ts'
import { count, methods } from './count.ts'
import { rejectionOf } from './profile.ts'
import { breakTie } from './seed.ts'

/** The ballot that a member has cast. */
export type MemberBallot = { member: string; ballot: CastableBallot }

type Ending = Extract<ElectionEvent, { type: 'ElectionDecided' | 'ElectionFailed' }>

/** The most steps of a count that the log keeps. Counting again shows them all. */
const maxTraceSteps = 200

/** The labels that a member may vote for. */
const labelsFor = ({ candidates, ownCandidateAllowed }: ElectionRules, member: string): string[] =>
  candidates.filter(({ author }) => ownCandidateAllowed || author !== member).map(({ label }) => label)

/** Whether each ballot of a method must have all candidates, so that no member's own candidate can be left out. */
export const needsAllCandidates = ({ method }: Pick<ElectionRules, 'method'>): boolean =>
  methods[method].needsAllCandidates

/** Why a member's ballot is invalid; null if it is valid. A ranking must have every label that the member may vote for. */
export function ballotProblem(rules: ElectionRules, member: string, ballot: CastableBallot): string | null {
  const kind = methods[rules.method].ballots
  const labels = labelsFor(rules, member)
  const rejection = rejectionOf(kind, labels, ballot)
  if (rejection) return rejection
  return kind === 'ranking' && Array.isArray(ballot) && ballot.length < labels.length ? 'incomplete' : null
}

/**
 * Counts an election: the event that ends it. It depends on nothing but the rules and the ballots, so anyone who has the log can
 * count again.
 */
export function decideElection(rules: ElectionRules, ballots: readonly MemberBallot[]): Ending {
  const { method, quorum, seed, electorate } = rules
  const dictator = ballots.find(({ member }) => member === rules.dictator)?.ballot
  const failed = (why: 'quorum' | 'dictator'): Ending => ({
    type: 'ElectionFailed',
    data: { why, ballots: ballots.length, quorum },
  })
  if (ballots.length < quorum) return failed('quorum')
  if (method === 'informed_dictator' && !Array.isArray(dictator)) return failed('dictator')

  const { winners, order, tally, trace } = count(method, {
    candidates: rules.candidates.map(({ label }) => label),
    ballots: ballots.map(({ ballot }) => ballot),
    weights: ballots.map(({ member }) => electorate.find((voter) => voter.member === member)?.weight ?? 0),
    seed,
    ...(Array.isArray(dictator) && { dictator }),
  })
  const labels = winners.map(String)
  const steps = trace.length - maxTraceSteps
  return {
    type: 'ElectionDecided',
    data: {
      method,
      winners: labels,
      winner: String(breakTie(labels, seed)),
      ...(labels.length > 1 && { tieBreak: { among: labels, by: 'seed' as const } }),
      order: order.map((group) => group.map(String)),
      tally,
      trace: [...trace.slice(0, maxTraceSteps), ...(steps > 0 ? [`and ${steps} more steps`] : [])],
      ballots: ballots.length,
      quorumMet: true,
    },
  }
}
