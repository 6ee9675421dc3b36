import { clockActionOf } from '../../agents/scheduler/clock-actions.ts'
import type { Deadline } from '../../events/log/log.ts'
import { isoTime } from '../../platform/clock.ts'
import type { CliContext } from '../context.ts'
import { openLogForReading } from '../running-council.ts'

export type ScheduleOptions = { limit?: number }

const pageSize = 1_000

/** `council schedule list`: prints the clock's next actions, the earliest first, from the index of deadlines in Redis. */
export async function scheduleList({ limit = Infinity }: ScheduleOptions, context: CliContext): Promise<number> {
  const { config, output } = context
  await using closing = new AsyncDisposableStack()
  const log = await openLogForReading(config, closing)
  let printed = 0
  let after: Deadline | undefined
  do {
    const page = await log.deadlines({ limit: Math.min(pageSize, limit - printed), ...(after && { after }) })
    for (const { stream, atMs } of page) {
      const [action, at] = [clockActionOf(stream)?.definition.name ?? null, isoTime(atMs)]
      await output.result({ stream, action, at }, () => `${at}  ${(action ?? 'no action').padEnd(18)}  ${stream}`)
    }
    printed += page.length
    after = page.at(-1)
    if (page.length < pageSize) break
  } while (after && printed < limit)
  if (printed === 0) await output.forPeople('the clock has nothing to do')
  return 0
}
