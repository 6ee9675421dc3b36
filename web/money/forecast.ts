/** The forecast of a day's spending: docs/dashboard.md states its rule for people. */

/** The pace of this much time is taken for the rest of the day. */
export const paceWindowMs = 3 * 3_600_000
/** In the first minutes of a day its pace says nothing. */
const earliestMs = 15 * 60_000

export type Forecast = {
  /** What the scope will have spent at the end of its day. */
  totalMicros: number
  /** When it reaches the soft and the hard limit; null: not on this day, or it has reached it. */
  softAtMs: number | null
  hardAtMs: number | null
}

type Day = {
  opensAt: string | null
  closesAt: string | null
  spentMicros: number
  terms: { dailyMicros: number; softPercent: number } | null
}

/** The rule in one sentence. */
export const forecastRule =
  'The forecast adds the pace of the last three hours, or of the day so far if it is younger, for the time that is left of the day. Reserved amounts do not count until they are spent.'

/**
 * The spending so far, continued until the day ends at the pace of the last three hours, in which the scope has spent `recentMicros`.
 * Null before a quarter of an hour of the day is over, after its end, and for a day whose ends are not known.
 */
export function forecastOf(day: Day, recentMicros: number, nowMs: number): Forecast | null {
  if (day.opensAt === null || day.closesAt === null) return null
  const [opensMs, closesMs] = [Date.parse(day.opensAt), Date.parse(day.closesAt)]
  const ageMs = nowMs - opensMs
  if (ageMs < earliestMs || nowMs >= closesMs) return null
  const isYoung = ageMs < paceWindowMs
  const microsPerMs = isYoung ? day.spentMicros / ageMs : recentMicros / paceWindowMs
  const reaches = (limitMicros: number): number | null => {
    const left = limitMicros - day.spentMicros
    if (left <= 0 || microsPerMs === 0) return null
    const atMs = nowMs + left / microsPerMs
    return atMs < closesMs ? atMs : null
  }
  return {
    totalMicros: Math.round(day.spentMicros + microsPerMs * (closesMs - nowMs)),
    softAtMs: day.terms && reaches((day.terms.dailyMicros * day.terms.softPercent) / 100),
    hardAtMs: day.terms && reaches(day.terms.dailyMicros),
  }
}

type Recent = { user?: string | null; agent?: string | null; costMicros: number }

/** What a scope has spent, of costs grouped by user and agent. */
export const spentBy = (scope: string, recent: readonly Recent[]): number =>
  recent
    .filter(({ user, agent }) => scope === 'council' || scope === agentScope(agent) || scope === userScope(user))
    .reduce((sum, { costMicros }) => sum + costMicros, 0)

const agentScope = (agent: string | null | undefined): string | null => (agent == null ? null : `agent:${agent}`)

/** The budget scope of a subject: `subjectScope` of src/events/policy.ts, without the schemas. */
export function userScope(subject: string | null | undefined): string | null {
  if (subject == null) return null
  if (/^(user|agent):[A-Za-z0-9:_.-]{1,120}$/.test(subject)) return subject
  const written = [...new TextEncoder().encode(subject)].map((byte) => {
    const character = String.fromCharCode(byte)
    return /[A-Za-z0-9_.-]/.test(character) ? character : `:${byte.toString(16).padStart(2, '0')}`
  })
  return `user:${written.join('')}`
}
