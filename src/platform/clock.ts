/** The source of time; an argument everywhere, so that tests and simulations control it. */
export type Clock = { nowMs: () => number }

export const systemClock: Clock = { nowMs: () => Date.now() }

/** ISO 8601 in UTC, the only form in which times are stored or shown. */
export const isoTime = (ms: number): string => new Date(ms).toISOString()
