import type { Grouping } from './cost-rows.ts'
import type { Span } from './period.ts'

/** The time zone of the browser, in which figures are asked for. */
export const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone

/** The largest page of a list. */
export const mostRows = 1_000

/** The parameters of `GET /v1/costs` for a span of time; null: all of it. */
export function costFields(groupBy: string, span: Span | null): URLSearchParams {
  const fields = new URLSearchParams({ groupBy, timeZone, limit: String(mostRows) })
  if (span === null) return fields
  fields.set('from', new Date(span.fromMs).toISOString())
  fields.set('to', new Date(span.toMs - 1).toISOString())
  return fields
}

/** The address of the same as a file for spreadsheets. */
export function costFile(by: Grouping, span: Span): string {
  const fields = costFields(by, span)
  fields.set('format', 'csv')
  return `/v1/costs?${fields.toString()}`
}
