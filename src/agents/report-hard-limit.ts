import { ReportHardLimit } from '../commands/budget/report-hard-limit.ts'
import type { CommandResult } from '../commands/gate/types.ts'
import type { BudgetScope } from '../events/policy.ts'
import { executeUntilKnown, type AgentDependencies, type Run } from './run.ts'

type Refused = Extract<CommandResult, { result: 'refused' }>

/**
 * Reports a call that a budget has refused. The log has the event once for each scope, day and daily amount, whichever worker is first.
 * A report that the log does not take is left to the next refused call: it must not keep the answer from its ending.
 */
export async function reportHardLimit(
  dependencies: AgentDependencies,
  run: Run,
  scopes: readonly { scope: BudgetScope; day: string | null }[],
  { details = {} }: Refused,
): Promise<void> {
  const refusing = scopes.find(({ scope }) => scope === details['scope'])
  if (!refusing || refusing.day === null) return
  const result = await executeUntilKnown(dependencies, run, ReportHardLimit, {
    scope: refusing.scope,
    day: refusing.day,
    amountMicros: Number(details['amountMicros']),
    dailyMicros: Number(details['dailyMicros']),
    spentMicros: Number(details['spentMicros']),
    reservedMicros: Number(details['reservedMicros']),
  })
  if (result.result === 'refused' || result.result === 'rejected')
    run.logger.warn({ scope: refusing.scope, code: result.code }, 'a hard limit could not be reported')
}
