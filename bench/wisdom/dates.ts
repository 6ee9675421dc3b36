const months = 'january february march april may june july august september october november december'.split(' ')
const monthNames = months.flatMap((month) => [month, month.slice(0, 3)]).join('|')

const patterns = [
  /\b(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})\b/,
  new RegExp(`\\b(?<day>\\d{1,2})(?:st|nd|rd|th)?(?: of)? (?<month>${monthNames})\\.?,? (?<year>\\d{4})\\b`),
  new RegExp(`\\b(?<month>${monthNames})\\.? (?<day>\\d{1,2})(?:st|nd|rd|th)?,? (?<year>\\d{4})\\b`),
]

/** All dates of a text as `yyyy-mm-dd`, in order. A day that its month does not have is no date, nor is `03/04/2024`, which has two readings. */
export function datesIn(text: string): string[] {
  const lower = text.toLowerCase()
  return patterns
    .flatMap((pattern) => [...lower.matchAll(new RegExp(pattern, 'g'))])
    .toSorted((a, b) => a.index - b.index)
    .flatMap(({ groups }) => {
      const { year = '', month = '', day = '' } = groups ?? {}
      const index = months.findIndex((name) => name.startsWith(month.slice(0, 3)))
      const number = /^\d/.test(month) ? month : String(index + 1).padStart(2, '0')
      const date = `${year}-${number}-${day.padStart(2, '0')}`
      return isDate(date) ? [date] : []
    })
}

/** `Date` moves 30 February into March, so a date is real if it survives the round trip. */
function isDate(date: string): boolean {
  const time = Date.parse(`${date}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date)
}
