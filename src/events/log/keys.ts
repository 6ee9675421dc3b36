/**
 * The names of a council's keys on Redis. All share one hash tag, so a council lives in one slot of a Redis Cluster
 * and one script can write all of them atomically.
 */
export type LogKeys = {
  /** Stream, one entry an event: the source of truth. */
  log: string
  /** Hash: `incarnation`, `sequence` (the last one given), `macKey` (id of the key of the MACs), `halted` (why nothing may be appended). */
  meta: string
  /** Hash: stream name → `<revision>:<fold version>:<state as JSON>` after its newest event, while it is not finished. */
  states: string
  /** Stream of jobs for competing workers. */
  work: string
  /** Hash: principal and command id → content hash and the positions it led to; one hash for each hour of the ids' own time. */
  commands: (idTimeMs: number) => string
  /** Hash: name of a finished stream → its last revision; one hash for each hour of the time in the streams' names. */
  finished: (idTimeMs: number) => string
  /** String: the command id that stands for a caller's own key, which is no UUIDv7. */
  callersKey: (principal: string, key: string) => string
}

const hourMs = 3_600_000

/** What the hashes of command ids and of finished streams are named by. */
export const hourOf = (timeMs: number): number => Math.floor(timeMs / hourMs)

export function logKeys(councilId: string): LogKeys {
  const prefix = `council:{${councilId}}`
  return {
    log: `${prefix}:log`,
    meta: `${prefix}:meta`,
    states: `${prefix}:states`,
    work: `${prefix}:work`,
    commands: (idTimeMs) => `${prefix}:commands:${hourOf(idTimeMs)}`,
    finished: (idTimeMs) => `${prefix}:finished:${hourOf(idTimeMs)}`,
    callersKey: (principal, key) => `${prefix}:key:${principal} ${key}`,
  }
}

/** The consumer group of the workers on the work stream. */
export const workersGroup = 'workers'
