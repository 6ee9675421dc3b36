/** Where time comes from. Passed in everywhere, so that tests and simulations own it. */
export type Clock = { nowMs: () => number }

export const systemClock: Clock = { nowMs: () => Date.now() }

/** ISO 8601 in UTC, the only form in which times are stored or shown. */
export const isoTime = (ms: number): string => new Date(ms).toISOString()
