import { Option, type Command } from 'commander'
import type { Uuid7 } from '../../events/identifiers.ts'
import { approvalStatuses } from '../../projections/approvals.ts'
import { parseApprovalId } from '../arguments.ts'
import type { RunCommand } from '../context.ts'

/** `council approvals …`: what waits for a person. */
export function addApprovalCommands(program: Command, run: RunCommand): void {
  const approvals = program.command('approvals').description('actions that wait for a person, in a running council')

  approvals
    .command('list')
    .description('the actions that wait, newest first')
    .addOption(
      new Option('--status <status>', 'or those with another status').choices(approvalStatuses).default('waiting'),
    )
    .action((options: { status: string }) =>
      run(async (context) => (await import('./list.ts')).listApprovals(options, context)),
    )

  approvals
    .command('show')
    .description('one action: its exact arguments, who asked, and what became of it')
    .argument('<approvalId>', 'its id, a UUIDv7', parseApprovalId)
    .action((approvalId: Uuid7) =>
      run(async (context) => (await import('./show.ts')).showApproval(approvalId, context)),
    )

  approvals
    .command('approve')
    .description('let an action run, once and with exactly its arguments')
    .argument('<approvalId>', 'its id, a UUIDv7', parseApprovalId)
    .option('--edit <file>', 'replace its arguments by those in a JSON file first')
    .action((approvalId: Uuid7, options: { edit?: string }) =>
      run(async (context) => (await import('./decide.ts')).approve(approvalId, options, context)),
    )

  approvals
    .command('deny')
    .description('refuse an action for good')
    .argument('<approvalId>', 'its id, a UUIDv7', parseApprovalId)
    .requiredOption('--reason <text>', 'why; it is recorded')
    .action((approvalId: Uuid7, options: { reason: string }) =>
      run(async (context) => (await import('./decide.ts')).deny(approvalId, options, context)),
    )
}
