import type { ElectionRules, VotingMethod } from '../../src/events/election.ts'
import { compareMethods } from '../../src/gedi/compare.ts'
import type { MemberBallot } from '../../src/gedi/decide.ts'
import { breakTie } from '../../src/gedi/seed.ts'

/** An election of drafts, as the log has it. */
export type Recorded = { rules: ElectionRules; ballots: readonly MemberBallot[] }

/**
 * The member whose draft each method elects with the recorded ballots. The seed of the election breaks ties. A method that cannot count
 * these ballots is absent. The first voter is the dictator of `informed_dictator`: it is one fixed member, in every election the same.
 */
export function electedUnder({ rules, ballots }: Recorded): Map<VotingMethod, string> {
  const [dictator] = rules.electorate
  const ranking = ballots.find(({ member }) => member === dictator?.member)?.ballot
  const { methods } = compareMethods({
    candidates: rules.candidates.map(({ label }) => label),
    ballots: ballots.map(({ ballot }) => ballot),
    weights: ballots.map(({ member }) => rules.electorate.find((voter) => voter.member === member)?.weight ?? 0),
    seed: rules.seed,
    ...(Array.isArray(ranking) && { dictator: ranking }),
  })
  return new Map(
    methods.flatMap((compared) => {
      const label = compared.counted ? breakTie(compared.winners.map(String), rules.seed) : undefined
      const member = rules.candidates.find((candidate) => candidate.label === label)?.standsFor
      return member === undefined ? [] : [[compared.method, member] as const]
    }),
  )
}
