import type { Command } from 'commander'
import type { Uuid7, AccountId } from '../../events/identifiers.ts'
import { costGroupings } from '../../projections/cost-groups.ts'
import {
  parseAccountId,
  parseBountyId,
  parseCostGroupings,
  parseLogPoint,
  parseMoment,
  parseRequestId,
  parseTimeZone,
} from '../arguments.ts'
import type { RunCommand } from '../context.ts'
import type { Range } from '../range.ts'
import type { AccountOptions } from './account.ts'
import type { BountyOptions } from './bounties.ts'
import type { CostOptions } from './cost.ts'
import type { ApprovalsOptions } from './approvals.ts'
import type { ModeOptions } from './mode.ts'
import type { AuditVerifyOptions } from './verify.ts'

/** `council audit …`: one command for each report. */
export function addAuditCommands(program: Command, run: RunCommand): void {
  const audit = program.command('audit').description('reports from the log, with the event position of every figure')

  audit
    .command('cost')
    .description(
      'the cost of every model call, or of groups of calls, from the log, compared with the ledger and the read model',
    )
    .option(
      '--by <groupings>',
      `sums by ${costGroupings.join(', ')}, or by several, comma-separated`,
      parseCostGroupings,
    )
    .option('--from <moment>', 'start at this position, time or day', parseMoment)
    .option('--to <moment>', 'end at this position or time, or at the end of this day', parseMoment)
    .option('--time-zone <name>', 'the time zone of days and hours, for example Europe/Berlin', parseTimeZone, 'UTC')
    .option('--explain', 'list the position of every event behind each figure')
    .option('--csv', 'print a CSV file')
    .action((options: CostOptions) => run(async (context) => (await import('./cost.ts')).auditCost(options, context)))

  withRange(audit.command('members'))
    .description('the contribution and the cost of each member, from the log, compared with the read model')
    .action((options: Range) => run(async (context) => (await import('./members.ts')).auditMembers(options, context)))

  audit
    .command('request')
    .description('everything that was recorded for one prompt, its election included')
    .argument('<requestId>', 'its id, a UUIDv7', parseRequestId)
    .action((requestId: Uuid7) =>
      run(async (context) => (await import('./request.ts')).auditRequest(requestId, context)),
    )

  audit
    .command('bounties')
    .description(
      'the money, the work and the verdict of every bounty, or the whole story of one, compared with the escrows and the read model',
    )
    .argument('[bountyId]', 'its id, a UUIDv7', parseBountyId)
    .option('--explain', 'list the position of every event behind each figure')
    .option('--csv', 'print a CSV file')
    .action((bountyId: Uuid7 | undefined, options: BountyOptions) =>
      run(async (context) => (await import('./bounties.ts')).auditBounties(bountyId, options, context)),
    )

  withRange(audit.command('account'))
    .description(
      'the history of one account with its balance after every event, compared with its state and the read model',
    )
    .argument('<accountId>', 'for example reserve or agent:<id>', parseAccountId)
    .option('--explain', 'list the position of every event behind each figure')
    .option('--csv', 'print the statement as a CSV file: every movement with its counterparty, reason and balance')
    .action((accountId: AccountId, options: AccountOptions) =>
      run(async (context) => (await import('./account.ts')).auditAccount(accountId, options, context)),
    )

  withRange(audit.command('approvals'))
    .description('every action that was proposed, who asked and who decided, from the log')
    .option('--csv', 'print a CSV file')
    .action((options: ApprovalsOptions) =>
      run(async (context) => (await import('./approvals.ts')).auditApprovals(options, context)),
    )

  withRange(audit.command('mode'))
    .description('who switched the mode and set the approval policy, when and why, from the log')
    .option('--csv', 'print a CSV file')
    .action((options: ModeOptions) => run(async (context) => (await import('./mode.ts')).auditMode(options, context)))

  audit
    .command('verify')
    .description('check the log and everything derived from it; reports the first fault by position')
    .option('--seal <file>', 'copies of seals that were kept elsewhere, as in SEALS_FILE')
    .option('--public-key <file>', 'the public key that the seals must chain back to (PEM)')
    .option('--resume', 'allow writes to a halted log again if there is no fault')
    .action((options: AuditVerifyOptions) =>
      run(async (context) => (await import('./verify.ts')).auditVerify(options, context)),
    )
}

const withRange = (command: Command): Command =>
  command
    .option('--from <moment>', 'start at this position, time or day (UTC)', parseLogPoint)
    .option('--to <moment>', 'end at this position or time, or at the end of this day (UTC)', parseLogPoint)
