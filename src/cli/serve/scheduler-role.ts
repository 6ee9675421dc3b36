import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { startScheduler, type SchedulerStatus } from '../../agents/scheduler/scheduler.ts'
import type { Finding } from '../../api/health.ts'
import { aggregateOf, deadlineRules } from '../../commands/registry.ts'
import { systemClock } from '../../platform/clock.ts'
import { newId } from './core.ts'
import type { Role } from './role.ts'

/** Acts for the clock on streams whose deadline has come: while several processes have this role, one of them does. */
export const schedulerRole: Role = {
  name: 'scheduler',
  start({ config, core: { log, gate }, closing, logger }) {
    const scheduler = startScheduler(
      {
        log,
        gate,
        aggregateOf,
        completeIndex: () => log.indexDeadlines(aggregateOf, deadlineRules),
        clock: systemClock,
        newId,
        sleep: (ms, signal) => pause(ms, undefined, { signal }).catch(() => undefined),
        logger,
      },
      { holder: `${hostname()}-${process.pid}-${newId().slice(-6)}`, leaseMs: config.scheduler.leaseMs },
    )
    closing.defer(scheduler.stop, 'the scheduler')
    return Promise.resolve({
      parts: [{ name: 'clock', kind: 'real', what: 'acts when a deadline has come; one process at a time' }],
      checks: [
        {
          name: 'scheduler',
          kind: 'internal',
          // Commands and prompts do not wait for it.
          isNeeded: false,
          look: () => Promise.resolve(findingOf(scheduler.status())),
        },
      ],
    })
  },
}

function findingOf(status: SchedulerStatus): Finding {
  switch (status.state) {
    case 'starting':
      return { status: 'pass', output: 'starting' }
    case 'acting':
      return {
        status: 'pass',
        output: `acts for the clock, next at ${status.nextAt ?? 'no time: nothing will be due'}`,
      }
    case 'waiting':
      return { status: 'pass', output: `waits: ${status.by} acts for the clock` }
    case 'failing':
      return { status: 'warn', output: `cannot act for the clock: ${status.message}` }
    default:
      return status satisfies never
  }
}
