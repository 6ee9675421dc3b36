import type { Uuid7 } from '../../events/identifiers.ts'
import type { ComparedMethod } from '../../gedi/compare.ts'
import { compareRecorded } from '../../gedi/recount.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { openLogForReading } from '../running-council.ts'
import { formatBallot, recordedElection } from './recorded-election.ts'

/**
 * `council gedi compare`: counts the ballots of a recorded election under every method: who would have won, and why the
 * results differ. Throws CliError `election_unknown` and `ballots_not_ranked`.
 */
export async function compareElection(electionId: Uuid7, { config, output }: CliContext): Promise<number> {
  await using closing = new AsyncDisposableStack()
  const { rules, ballots, ending } = await recordedElection(await openLogForReading(config, closing), electionId)
  const comparison = compareRecorded({ rules, ballots })
  if (comparison === null)
    throw new CliError('ballots_not_ranked', `${rules.method} has no rankings that other methods could count`)
  const { condorcetWinner, reason } = comparison
  const winner = ending?.type === 'ElectionDecided' ? ending.data.winner : null
  const candidates = Object.fromEntries(rules.candidates.map(({ label, standsFor }) => [label, standsFor]))

  await output.forPeople(
    `${output.paint('bold', rules.method)} elected ${winner === null ? 'no candidate' : `${winner} (${candidates[winner]})`} with ${ballots.length} ballots`,
  )
  for (const { member, ballot } of ballots)
    await output.forPeople(output.paint('dim', `  ${member.padEnd(16)} ${formatBallot(ballot)}`))
  for (const compared of comparison.methods)
    await output.result(
      {
        kind: 'method',
        ...compared,
        ...(compared.counted && { electsTheSame: compared.winners.includes(winner ?? '') }),
      },
      () => methodLine(compared, compared.method === rules.method),
    )
  await output.result(
    { kind: 'summary', electionId, method: rules.method, winner, condorcetWinner, reason, candidates },
    () => (reason === null ? 'All methods elect the same candidate.' : `Why they differ: ${reason}.`),
  )
  return 0
}

function methodLine(compared: ComparedMethod, isUsed: boolean): string {
  const result = compared.counted ? compared.winners.join(' = ') : 'not counted'
  return `${isUsed ? '*' : ' '} ${compared.method.padEnd(18)} ${result.padEnd(12)} ${compared.why}`
}
