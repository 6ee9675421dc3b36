/**
 * The names of a council's keys on Redis. All share one hash tag, so a council lives in one slot of a Redis Cluster
 * and one script can write all of them atomically.
 */
export type LogKeys = {
  /** Stream, one entry an event: the source of truth. */
  log: string
  /** Hash: `incarnation` and `sequence` (the last one given). */
  meta: string
  /** Hash: stream name → `<revision>:<fold version>:<state as JSON>` after its newest event. */
  states: string
  /** Stream of jobs for competing workers. */
  work: string
  /** Hash: principal and command id → content hash and the positions it led to; one hash for each hour of the ids' own time. */
  commands: (idTimeMs: number) => string
}

const hourMs = 3_600_000

export function logKeys(councilId: string): LogKeys {
  const prefix = `council:{${councilId}}`
  return {
    log: `${prefix}:log`,
    meta: `${prefix}:meta`,
    states: `${prefix}:states`,
    work: `${prefix}:work`,
    commands: (idTimeMs) => `${prefix}:commands:${Math.floor(idTimeMs / hourMs)}`,
  }
}

/** The consumer group of the workers on the work stream. */
export const workersGroup = 'workers'
