import { isDeepStrictEqual } from 'node:util'
import type { Uuid7 } from '../../events/identifiers.ts'
import { decideElection } from '../../gedi/decide.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { openLogForReading } from '../running-council.ts'
import { recordedElection } from './recorded-election.ts'

/**
 * `council gedi verify`: counts a recorded election again from its ballots, tie-break included. Throws CliError `election_differs` if
 * the log has another result, and `election_unknown`.
 */
export async function verifyElection(electionId: Uuid7, { config, output }: CliContext): Promise<number> {
  await using closing = new AsyncDisposableStack()
  const { rules, ballots, ending } = await recordedElection(await openLogForReading(config, closing), electionId)
  if (!ending) throw new CliError('election_open', `the election ${electionId} has not ended yet`)
  const { position } = ending
  const recorded = { type: ending.type, data: ending.data }
  const recounted = decideElection(rules, ballots)
  const differing = differences(recorded, recounted)
  const winner = recounted.type === 'ElectionDecided' ? recounted.data.winner : null
  await output.result(
    {
      electionId,
      method: rules.method,
      ballots: ballots.length,
      winner,
      position,
      differing,
      agrees: differing.length === 0,
    },
    () =>
      differing.length === 0
        ? `${output.paint('bold', 'agrees')}  ${rules.method}, ${ballots.length} ballots, ${winner === null ? recounted.type : `winner ${winner}`}; recorded at ${position}`
        : `${output.paint('red', 'differs')}  in ${differing.join(', ')}; recorded at ${position}`,
  )
  if (differing.length > 0)
    throw new CliError(
      'election_differs',
      `the recount of ${electionId} differs from the result at ${position} in ${differing.join(', ')}`,
    )
  return 0
}

type Result = { type: string; data: object }

/** The fields in which two results differ. */
function differences(recorded: Result, recounted: Result): string[] {
  if (recorded.type !== recounted.type) return ['type']
  const [left, right] = [new Map(Object.entries(recorded.data)), new Map(Object.entries(recounted.data))]
  return [...new Set([...left.keys(), ...right.keys()])].filter(
    (key) => !isDeepStrictEqual(left.get(key), right.get(key)),
  )
}
