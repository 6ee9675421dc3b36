import type { Uuid7 } from '../../events/identifiers.ts'
import { recount } from '../../gedi/recount.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { openLogForReading } from '../running-council.ts'
import { recordedElection } from './recorded-election.ts'
import { assertSameResult } from './same-result.ts'

/**
 * `council gedi verify`: counts a recorded election again from its ballots, tie-break included. Throws CliError
 * `election_differs` if the log has another result, `election_open` and `election_unknown`.
 */
export async function verifyElection(electionId: Uuid7, { config, output }: CliContext): Promise<number> {
  await using closing = new AsyncDisposableStack()
  const election = await recordedElection(await openLogForReading(config, closing), electionId)
  const { rules, ballots, ending } = election
  const again = recount(election)
  if (!ending || !again) throw new CliError('election_open', `the election ${electionId} has not ended yet`)
  const { recounted, differing } = again
  const { position } = ending
  const agrees = differing.length === 0
  const winner = recounted.type === 'ElectionDecided' ? recounted.data.winner : null
  await output.result(
    { electionId, method: rules.method, ballots: ballots.length, winner, position, differing, agrees },
    () =>
      agrees
        ? `${output.paint('bold', 'agrees')}  ${rules.method}, ${ballots.length} ballots, ${winner === null ? recounted.type : `winner ${winner}`}; recorded at ${position}`
        : `${output.paint('red', 'differs')}  in ${differing.join(', ')}; recorded at ${position}`,
  )
  assertSameResult(electionId, election, again)
  return 0
}
