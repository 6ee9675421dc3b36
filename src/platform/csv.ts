/**
 * One record of a CSV file (RFC 4180), with its line end. A spreadsheet runs text that begins like a formula, so such text gets an
 * apostrophe in front; numbers stay as they are.
 */
export const csvRecord = (fields: readonly (string | number | null)[]): string =>
  `${fields.map(csvField).join(',')}\r\n`

function csvField(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
