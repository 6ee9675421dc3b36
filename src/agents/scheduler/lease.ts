import type { EventLog } from '../../events/log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'

/** `holder` names this process among all that may hold the lease; another one takes it when it was not renewed for `leaseMs`. */
export type LeaseSettings = { holder: string; leaseMs: number }

/** `dueAtMs`: when to renew. `leftMs`: for how long another process holds the lease unless it renews. */
export type LeaseState = { held: true; token: number; dueAtMs: number } | { held: false; by: string; leftMs: number }

/** This process's hold on the scheduler's lease. */
export type Lease = {
  /** Takes the lease, or renews it when a third of it has passed. */
  hold: () => Promise<LeaseState>
  /** The log has refused the token: another process has taken over. */
  lost: () => void
  giveUp: () => Promise<void>
}

export function schedulerLease(
  log: Pick<EventLog, 'holdLease'>,
  { holder, leaseMs }: LeaseSettings,
  clock: Clock,
  logger: Logger,
): Lease {
  let held: Extract<LeaseState, { held: true }> | null = null
  return {
    async hold() {
      const nowMs = clock.nowMs()
      if (held && nowMs < held.dueAtMs) return held
      const token = held?.token ?? null
      const answer = await log.holdLease({ holder, token, lengthMs: leaseMs })
      if (!answer.held) {
        if (held) logger.warn({ by: answer.by }, 'another process acts for the clock now')
        held = null
        return answer
      }
      if (answer.token !== token) logger.info({ token: answer.token }, 'this process acts for the clock')
      return (held = { held: true, token: answer.token, dueAtMs: nowMs + leaseMs / 3 })
    },
    lost: () => void (held = null),
    async giveUp() {
      if (held) await log.holdLease({ holder, token: held.token, lengthMs: 0 })
      held = null
    },
  }
}
