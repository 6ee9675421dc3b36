import type { Command } from 'commander'
import { parseLogPoint } from '../arguments.ts'
import type { RunCommand } from '../context.ts'
import type { SimulateBudgetOptions } from './budget.ts'

/** `council simulate …`: what recorded demand would have led to under other rules. */
export function addSimulateCommands(program: Command, run: RunCommand): void {
  const simulate = program.command('simulate').description('replay recorded demand under other rules; writes nothing')

  simulate
    .command('budget')
    .description('what other budget policies or prices would have admitted and cost, by day and scope')
    .option('--policy <file>', 'a JSON list of policies, each with the fields of SetBudgetPolicy')
    .option('--prices <file>', 'prices, as in PRICES_FILE')
    .option('--from <moment>', 'count from this position, time or day (UTC)', parseLogPoint)
    .option('--to <moment>', 'count to this position or time, or to the end of this day (UTC)', parseLogPoint)
    .option('--csv', 'print a CSV file')
    .action((options: SimulateBudgetOptions) =>
      run(async (context) => (await import('./budget.ts')).simulateBudget(options, context)),
    )
}
