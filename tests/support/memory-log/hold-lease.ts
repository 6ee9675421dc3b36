import { LogStopped, type LeaseAnswer, type LeaseRequest } from '../../../src/events/log/log.ts'
import type { KnownLog } from '../../../src/events/log/append/append.ts'
import type { Held } from './held.ts'

/** The steps of hold-lease.lua, in the same order. */
export function holdLease(
  held: Held,
  { incarnation }: KnownLog,
  nowMs: number,
  { holder, token, lengthMs }: LeaseRequest,
): LeaseAnswer {
  if (held.incarnation !== incarnation)
    throw new LogStopped('log_replaced', `this is another log (${held.incarnation})`)
  const { lease, fence } = held
  const isOurs = lease?.holder === holder
  const leftMs = (lease?.untilMs ?? 0) - nowMs
  if (lease && leftMs > 0 && !isOurs) return { held: false, by: lease.holder, leftMs }
  if (lengthMs === 0) {
    if (isOurs) held.lease = null
    return { held: false, by: '', leftMs: 0 }
  }
  if (token === null || !isOurs || token !== fence) held.fence = Math.max(fence + 1, nowMs)
  held.lease = { holder, untilMs: nowMs + lengthMs }
  return { held: true, token: held.fence }
}
