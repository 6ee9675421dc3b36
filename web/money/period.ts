/** The period of the costs that the page shows. It is in the address, so a copied address shows the same. */

/** `fromMs` is included, `toMs` is not. */
export type Span = { fromMs: number; toMs: number }
export const presets = { today: 'Today', week: '7 days', month: '30 days' } as const
export type Preset = keyof typeof presets
export type Period = Span & { preset: Preset | null }

const dayMs = 86_400_000
/** Beyond this the plot has a column for each day, not for each hour. */
const longestByHour = 3 * dayMs + 3_600_000
const shortestMs = 60_000

/** The period of a query string: `from` and `to` as times, or a preset; today if it has neither. Days are those of the browser's zone. */
export function periodOf(search: string, nowMs: number): Period {
  const fields = new URLSearchParams(search)
  const [fromMs, toMs] = [Date.parse(fields.get('from') ?? ''), Date.parse(fields.get('to') ?? '')]
  if (toMs - fromMs >= shortestMs) return { fromMs, toMs, preset: null }
  const preset = presetOf(fields.get('period'))
  const daysBefore = { today: 0, week: 6, month: 29 }[preset]
  return { fromMs: midnight(nowMs, -daysBefore), toMs: midnight(nowMs, 1), preset }
}

const presetOf = (name: string | null): Preset => (name === 'week' || name === 'month' ? name : 'today')

/** The first instant of a day in the browser's zone, some days away. */
function midnight(ms: number, days: number): number {
  const date = new Date(ms)
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime()
}

/** The query string of a period and of a grouping. */
export function searchOf({ preset, fromMs, toMs }: Period, by: string): string {
  const fields =
    preset === null
      ? { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() }
      : preset === 'today'
        ? {}
        : { period: preset }
  const query = new URLSearchParams({ ...fields, ...(by !== 'member' && { by }) }).toString()
  return query === '' ? '' : `?${query}`
}

export type Bucket = 'hour' | 'day'
export const bucketOf = ({ fromMs, toMs }: Span): Bucket => (toMs - fromMs <= longestByHour ? 'hour' : 'day')

/** The first instants of the hours or days of a span, in the browser's zone. */
export function bucketsOf({ fromMs, toMs }: Span, bucket: Bucket): number[] {
  const starts: number[] = []
  for (let at = startOf(fromMs, bucket); at < toMs; at = next(at, bucket)) starts.push(at)
  return starts
}

function startOf(ms: number, bucket: Bucket): number {
  if (bucket === 'day') return midnight(ms, 0)
  const date = new Date(ms)
  return ms - (date.getMinutes() * 60 + date.getSeconds()) * 1_000 - date.getMilliseconds()
}

/** Days of a change of clocks have 23 or 25 hours. */
export const next = (startMs: number, bucket: Bucket): number =>
  bucket === 'hour' ? startMs + 3_600_000 : midnight(startMs, 1)
