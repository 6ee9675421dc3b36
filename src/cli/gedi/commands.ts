import { type Command, Option } from 'commander'
import { votingMethods } from '../../events/election.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import { parseElectionId } from '../arguments.ts'
import type { RunCommand } from '../context.ts'
import type { TallyOptions } from './tally.ts'

/** `council gedi …`: counts votes, and counts recorded ones again. */
export function addGediCommands(program: Command, run: RunCommand): void {
  const gedi = program.command('gedi').description('count votes, and count recorded elections again')

  gedi
    .command('tally')
    .description('count elections: one JSON object per line, {candidates, ballots, weights?}')
    .addOption(new Option('--method <method>', 'the voting rule').choices(votingMethods).makeOptionMandatory())
    .option('--seed <text>', 'for the methods that draw by lot, where a line has no seed')
    .argument('[file]', 'a file, or - for stdin', '-')
    .action((file: string, options: TallyOptions) =>
      run(async (context) => (await import('./tally.ts')).tally(file, options, context)),
    )

  const electionId = 'its id; the election of an answer has the id of its request'
  gedi
    .command('verify')
    .description('count a recorded election again from its events; exit with 1 if the log has another result')
    .argument('<electionId>', electionId, parseElectionId)
    .action((id: Uuid7) => run(async (context) => (await import('./verify.ts')).verifyElection(id, context)))

  gedi
    .command('compare')
    .description('count the ballots of a recorded election under every method')
    .argument('<electionId>', electionId, parseElectionId)
    .action((id: Uuid7) => run(async (context) => (await import('./compare.ts')).compareElection(id, context)))
}
