import type { CommandResult } from '../commands/gate/types.ts'
import { alertKinds, isAlertType } from '../events/budget.ts'
import type { Logger } from '../platform/logger.ts'

/** Logs each limit of a budget that a command found reached. Only the process whose command wrote the event does, so it is one line for each. */
export function logAlerts(logger: Logger, result: CommandResult): void {
  if (result.result !== 'appended' && result.result !== 'duplicate') return
  for (const { type, stream, position } of result.events)
    if (isAlertType(type))
      logger.warn(
        { limit: alertKinds[type], budget: stream, position },
        `the ${alertKinds[type]} limit of a budget is reached`,
      )
}
