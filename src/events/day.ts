import { z } from 'zod'

/** The day (UTC, `yyyy-mm-dd`) of a time in ISO 8601. */
export const dayOf = (time: string): string => time.slice(0, 10)

/** The start of the day after a day. */
export const startOfNextDay = (day: string): string => new Date(Date.parse(day) + 86_400_000).toISOString()

/** A calendar day in a time zone. It lasts from `opensAt` to just before `closesAt`: 23, 24 or 25 hours, and rarely another time. */
export type ZonedDay = { day: string; opensAt: string; closesAt: string }

/** The day in which a time (ISO 8601 UTC) lies in a time zone (IANA). Throws RangeError for an unknown zone. */
export function zonedDay(time: string, timeZone: string): ZonedDay {
  const date = Temporal.Instant.from(time).toZonedDateTimeISO(timeZone).toPlainDate()
  const startOf = (day: Temporal.PlainDate): string =>
    new Date(day.toZonedDateTime(timeZone).epochMilliseconds).toISOString()
  return { day: date.toString(), opensAt: startOf(date), closesAt: startOf(date.add({ days: 1 })) }
}

/**
 * The milliseconds of a day (`2026-11-23`, in a time zone) or of a time with its zone (`2026-11-23T10:00:00Z`), both included; null for
 * another text, such as a time without a zone, which is ambiguous.
 */
export function spanOf(text: string, timeZone: string): { firstMs: number; lastMs: number } | null {
  if (z.iso.date().safeParse(text).success) {
    const date = Temporal.PlainDate.from(text)
    const startOf = (day: Temporal.PlainDate): number => day.toZonedDateTime(timeZone).epochMilliseconds
    return { firstMs: Math.max(0, startOf(date)), lastMs: Math.max(0, startOf(date.add({ days: 1 })) - 1) }
  }
  if (!z.iso.datetime({ offset: true }).safeParse(text).success) return null
  const ms = Math.max(0, Date.parse(text))
  return { firstMs: ms, lastMs: ms }
}

/** Whether a text names a time zone of the IANA database. A fixed offset, such as `+02:00`, does not: it knows no summer time. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    zonedDay('2026-01-01T00:00:00.000Z', name)
    return true
  } catch {
    return false
  }
}
