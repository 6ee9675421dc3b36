import type { Recount } from '../../gedi/recount.ts'
import { CliError } from '../failure.ts'
import type { RecordedElection } from './recorded-election.ts'

/** Throws CliError `election_differs` if the ballots give another result than the recorded one. */
export function assertSameResult(electionId: string, { ending }: RecordedElection, { differing }: Recount): void {
  if (differing.length > 0)
    throw new CliError(
      'election_differs',
      `the recount of ${electionId} differs from the result at ${ending?.position} in ${differing.join(', ')}`,
    )
}
