/** A time of the day in a zone, which it names. */
export const timeIn = (at: string | number, timeZone: string): string =>
  `${new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', timeZone })} ${timeZone}`

/** A moment as people near it name it: the time of today, else the day too. */
export function moment(at: string | number): string {
  const date = new Date(at)
  const isToday = date.toDateString() === new Date().toDateString()
  const time = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  return isToday ? time : `${date.toLocaleDateString([], { day: 'numeric', month: 'short' })}, ${time}`
}

/** How long a time is away, in its two largest units: `2 days`, `3 h 5 min`, `7 min`. */
export function timeLeft(until: string, nowMs: number): string {
  const minutes = Math.floor((Date.parse(until) - nowMs) / 60_000)
  if (minutes < 1) return 'less than a minute'
  const hours = Math.floor(minutes / 60)
  if (hours >= 48) return `${Math.floor(hours / 24)} days`
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`
}
