import { isDeepStrictEqual } from 'node:util'
import { decideElection } from '../../gedi/decide.ts'
import { CliError } from '../failure.ts'
import type { RecordedElection } from './recorded-election.ts'

/** An ended election, counted again. */
export type Recount = {
  recounted: ReturnType<typeof decideElection>
  /** The fields in which the recorded result differs. */
  differing: string[]
}

/** Counts a recorded election again from its ballots, tie-break included; null while it is open. */
export function recount({ rules, ballots, ending }: RecordedElection): Recount | null {
  if (!ending) return null
  const recounted = decideElection(
    rules,
    ballots.map(({ member, ballot }) => ({ member, ballot })),
  )
  return { recounted, differing: differences(ending, recounted) }
}

/** Throws CliError `election_differs` if the ballots give another result than the recorded one. */
export function assertSameResult(electionId: string, { ending }: RecordedElection, { differing }: Recount): void {
  if (differing.length > 0)
    throw new CliError(
      'election_differs',
      `the recount of ${electionId} differs from the result at ${ending?.position} in ${differing.join(', ')}`,
    )
}

type Result = { type: string; data: object }

function differences(recorded: Result, recounted: Result): string[] {
  if (recorded.type !== recounted.type) return ['type']
  const [left, right] = [new Map(Object.entries(recorded.data)), new Map(Object.entries(recounted.data))]
  return [...new Set([...left.keys(), ...right.keys()])].filter(
    (key) => !isDeepStrictEqual(left.get(key), right.get(key)),
  )
}
