import type { BallotKind } from './election.ts'
import type { Profile } from './profile.ts'

/** The result of a count by candidate index. */
export type Count = {
  /** One figure per candidate; a sum of scaled weights, or a number of candidates. */
  tally: readonly number[]
  /** All candidates in groups of equals, best first. */
  order: readonly (readonly number[])[]
  /** The reason in one sentence, then the steps. */
  trace: readonly string[]
}

/** One voting rule. It is pure, and its result does not depend on the order of the ballots. */
export type Method = {
  /** The kind of ballot that the rule counts. */
  ballots: BallotKind
  /** Whether each ballot must rank or score all candidates. Rules that compare pairs read no preference about an omitted one. */
  needsAllCandidates: boolean
  /** Whether the tally is a sum of weights. If not, it counts candidates. */
  talliesWeight: boolean
  count: (profile: Profile) => Count
}
