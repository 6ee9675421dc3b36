import { canonicalJson } from '../events/canonical-json.ts'
import type { ElectionEvent, ElectionRules } from '../events/election.ts'
import { compareMethods, type Comparison } from './compare.ts'
import { methods } from './count.ts'
import { decideElection, type MemberBallot } from './decide.ts'

type Ending = Extract<ElectionEvent, { type: 'ElectionDecided' | 'ElectionFailed' }>

/** A recorded election: its rules, the ballots that were cast, and its result, if it has ended. */
export type Recorded = { rules: ElectionRules; ballots: readonly MemberBallot[]; ending: Ending | undefined }

/** An ended election, counted again. */
export type Recount = {
  recounted: Ending
  /** The fields in which the recorded result differs. */
  differing: string[]
}

/** Counts a recorded election again from its ballots, tie-break included; null while it is open. */
export function recount({ rules, ballots, ending }: Recorded): Recount | null {
  if (!ending) return null
  const recounted = decideElection(
    rules,
    ballots.map(({ member, ballot }) => ({ member, ballot })),
  )
  return { recounted, differing: differences(ending, recounted) }
}

/** Counts the ballots of a recorded election under every method; null if its ballots are no rankings. */
export function compareRecorded({ rules, ballots }: Pick<Recorded, 'rules' | 'ballots'>): Comparison | null {
  if (methods[rules.method].ballots !== 'ranking') return null
  const dictator = ballots.find(({ member }) => member === rules.dictator)?.ballot
  return compareMethods({
    candidates: rules.candidates.map(({ label }) => label),
    ballots: ballots.map(({ ballot }) => ballot),
    weights: ballots.map(({ member }) => rules.electorate.find((voter) => voter.member === member)?.weight ?? 0),
    seed: rules.seed,
    ...(Array.isArray(dictator) && { dictator }),
  })
}

function differences(recorded: Ending, recounted: Ending): string[] {
  if (recorded.type !== recounted.type) return ['type']
  const [left, right] = [new Map(Object.entries(recorded.data)), new Map(Object.entries(recounted.data))]
  return [...new Set([...left.keys(), ...right.keys()])].filter((key) => !isSame(left.get(key), right.get(key)))
}

const isSame = (left: unknown, right: unknown): boolean =>
  left === undefined || right === undefined ? left === right : canonicalJson(left) === canonicalJson(right)
