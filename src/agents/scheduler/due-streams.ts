import type { StreamName } from '../../events/identifiers.ts'
import type { Deadline, EventLog } from '../../events/log/log.ts'
import { isoTime, type Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'

/** The streams on which the clock must act, without those on which it cannot act for now. */
export type DueStreams = {
  /** A page of streams that are due, the oldest deadline first; if there are none, when the next one is (Infinity: never). */
  next: () => Promise<{ due: Deadline[]; nextAtMs: number }>
  /** Notes an action. A stream whose command never moves its deadline is held back in the end. */
  acted: (deadline: Deadline) => void
  /** Leaves a stream alone for a minute, because a person has to act first. */
  putOff: (deadline: Deadline) => void
  /** The same for a stream on which the clock cannot act, so that the others go on; says so in the log. */
  holdBack: (deadline: Deadline, why: string) => void
}

const pageSize = 100
const holdBackMs = 60_000
/** An account with 500 reservations that expire at once takes 32 actions at one deadline. */
const maxActions = 100

/** `untilMs`: held back until then. */
type Attempts = { atMs: number; actions: number; untilMs: number }

export function dueStreams(log: Pick<EventLog, 'deadlines'>, clock: Clock, logger: Logger): DueStreams {
  const attempts = new Map<StreamName, Attempts>()

  const putOff = ({ stream, atMs }: Deadline): void =>
    void attempts.set(stream, { atMs, actions: 0, untilMs: clock.nowMs() + holdBackMs })

  function holdBack(deadline: Deadline, why: string): void {
    putOff(deadline)
    const { stream, atMs } = deadline
    logger.error({ stream, dueAt: isoTime(atMs) }, `the clock cannot act on a stream: ${why}`)
  }

  return {
    async next() {
      const nowMs = clock.nowMs()
      let after: Deadline | undefined
      for (;;) {
        const page = await log.deadlines({ limit: pageSize, ...(after && { after }) })
        const open = page.filter(({ stream }) => (attempts.get(stream)?.untilMs ?? 0) <= nowMs)
        const due = open.filter(({ atMs }) => atMs <= nowMs)
        if (due.length > 0) return { due, nextAtMs: nowMs }
        after = page.at(-1)
        if (page.length === pageSize && after && after.atMs <= nowMs) continue
        for (const [stream, { untilMs }] of attempts) if (untilMs <= nowMs) attempts.delete(stream)
        return { due, nextAtMs: open[0]?.atMs ?? Infinity }
      }
    },
    acted(deadline) {
      const { stream, atMs } = deadline
      const before = attempts.get(stream)
      const actions = before?.atMs === atMs ? before.actions + 1 : 1
      if (actions > maxActions) holdBack(deadline, 'its command does not change its deadline')
      else attempts.set(stream, { atMs, actions, untilMs: 0 })
    },
    putOff,
    holdBack,
  }
}
