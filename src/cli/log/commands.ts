import type { Command } from 'commander'
import type { StreamName } from '../../events/identifiers.ts'
import { parseCount, parseEventType, parseLogPoint, parseStream } from '../arguments.ts'
import type { RunCommand } from '../context.ts'
import type { EventsOptions } from './events.ts'
import type { RestoreCommandOptions } from './restore.ts'
import type { ScheduleOptions } from './schedule.ts'
import type { StateOptions } from './state.ts'

/** `council events`, `council state` and `council schedule`. */
export function addReadingCommands(program: Command, run: RunCommand): void {
  program
    .command('events')
    .description('print the events of the log in order')
    .option('--stream <stream>', 'only events of this stream, for example chat/<id>', parseStream)
    .option('--type <type>', 'only events of this type, for example AnswerCompleted', parseEventType)
    .option('--from <moment>', 'start at this position, time or day (UTC)', parseLogPoint)
    .option('--limit <n>', 'print at most this many events', parseCount)
    .option('--follow', 'keep printing new events until Ctrl-C')
    .action((options: EventsOptions) => run(async (context) => (await import('./events.ts')).events(options, context)))

  program
    .command('state')
    .description('fold one aggregate from its events; without --at, also compare it with its stored state')
    .argument('<stream>', 'for example budget/council/2026-11-23', parseStream)
    .option('--at <moment>', 'show it at this position or time, or at the end of this day (UTC)', parseLogPoint)
    .action((stream: StreamName, options: StateOptions) =>
      run(async (context) => (await import('./state.ts')).state(stream, options, context)),
    )
  addScheduleCommands(program, run)
}

/** `council schedule`. */
function addScheduleCommands(program: Command, run: RunCommand): void {
  program
    .command('schedule')
    .description('the actions of the clock')
    .command('list')
    .description('list what the clock will do, the earliest first')
    .option('--limit <n>', 'print at most this many actions', parseCount)
    .action((options: ScheduleOptions) =>
      run(async (context) => (await import('./schedule.ts')).scheduleList(options, context)),
    )
}

/** `council rebuild` and `council restore`. */
export function addRepairCommands(program: Command, run: RunCommand): void {
  program
    .command('rebuild')
    .description('rebuild read models from the log while the old ones keep serving')
    .argument('[projection...]', 'for example costs; default: all')
    .action((names: string[]) => run(async (context) => (await import('./rebuild.ts')).rebuild(names, context)))

  program
    .command('restore')
    .description('restore the log, or its lost tail, from the archive to Redis')
    .option('--dry-run', 'only report what would be written')
    .action((options: RestoreCommandOptions) =>
      run(async (context) => (await import('./restore.ts')).restore(options, context)),
    )
}
