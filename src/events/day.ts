/** The day (UTC, `yyyy-mm-dd`) of a time in ISO 8601. */
export const dayOf = (time: string): string => time.slice(0, 10)

/** The start of the day after a day. */
export const startOfNextDay = (day: string): string => new Date(Date.parse(day) + 86_400_000).toISOString()
