import type { Principal } from '../identifiers.ts'

/**
 * The names of a council's keys on Redis. All share one hash tag, so that they lie in one slot of a Redis Cluster and one script can
 * write them atomically.
 */
export type LogKeys = {
  /** Stream with one entry per event: the source of truth. */
  log: string
  /**
   * Hash: `incarnation`, `sequence` (the last one), `macKey` (id of the MAC key), `halted` (why appends are refused),
   * `deadlines` (the rules under which the index of deadlines is complete); the scheduler's lease: `fence` (the newest token),
   * `leaseHolder`, `leaseUntil` (epoch ms).
   */
  meta: string
  /** Hash: name of an unfinished stream → `<revision>:<state version>:<state as JSON>` after its newest event. */
  states: string
  /** Stream of jobs for competing workers. */
  work: string
  /**
   * Sorted set: name of a stream on which the clock must act → when, in epoch ms. An index of `states`, written with them. A nameless
   * member at infinity keeps the key alive.
   */
  deadlines: string
  /** Hash: principal and command id → content hash, first and last position; one hash per hour of the ids' own time. */
  commands: (idTimeMs: number) => string
  /** Hash: name of a finished stream → its last revision; one hash per hour of the time in the streams' names. */
  finished: (idTimeMs: number) => string
  /** String: the command id for a caller's idempotency key that is not a UUIDv7. */
  callersKey: (principal: Principal, key: string) => string
}

const hourMs = 3_600_000

/** The hour in the names of the hashes of command ids and of finished streams. */
export const hourOf = (timeMs: number): number => Math.floor(timeMs / hourMs)

export function logKeys(councilId: string): LogKeys {
  const prefix = `council:{${councilId}}`
  return {
    log: `${prefix}:log`,
    meta: `${prefix}:meta`,
    states: `${prefix}:states`,
    work: `${prefix}:work`,
    deadlines: `${prefix}:deadlines`,
    commands: (idTimeMs) => `${prefix}:commands:${hourOf(idTimeMs)}`,
    finished: (idTimeMs) => `${prefix}:finished:${hourOf(idTimeMs)}`,
    callersKey: (principal, key) => `${prefix}:key:${principal} ${key}`,
  }
}

/** The consumer group of the workers on the work stream. */
export const workersGroup = 'workers'
