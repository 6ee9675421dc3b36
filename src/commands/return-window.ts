/** What an agent earns for each micro-dollar that it spends, in windows of seven days (UTC). Source: domain rules, "Treasury". */

/** From a day on (`yyyy-mm-dd`). Amounts are integer micro-dollars. */
export type ReturnWindow = { from: string; earnedMicros: number; spentMicros: number }

const windowDays = 7
/** At most this many windows wait for the clock; later movements then count in the last one. */
const maxWindows = 8
const dayMs = 86_400_000

/** The day after the last one of a window. */
export const endOf = ({ from }: Pick<ReturnWindow, 'from'>): string =>
  new Date(Date.parse(from) + windowDays * dayMs).toISOString().slice(0, 10)

/** The windows after money was earned or spent on a day. A window without spending has no return, so the next one replaces it. */
export function movedOn(
  windows: readonly ReturnWindow[],
  day: string,
  { earnedMicros = 0, spentMicros = 0 }: Partial<Omit<ReturnWindow, 'from'>>,
): ReturnWindow[] {
  const last = windows.at(-1)
  const isNew = !last || (day >= endOf(last) && (last.spentMicros === 0 || windows.length < maxWindows))
  const before = isNew ? { from: day, earnedMicros: 0, spentMicros: 0 } : last
  const earlier = last && (!isNew || last.spentMicros === 0) ? windows.slice(0, -1) : windows
  return [
    ...earlier,
    {
      from: before.from,
      earnedMicros: bounded(before.earnedMicros + earnedMicros),
      spentMicros: bounded(before.spentMicros + spentMicros),
    },
  ]
}

const bounded = (micros: number): number => Math.min(micros, Number.MAX_SAFE_INTEGER)

/** By how much the return of a window scales the limits, in percent. */
export function factorPercentOf({ earnedMicros, spentMicros }: ReturnWindow): number {
  const [earned, spent] = [BigInt(earnedMicros), BigInt(spentMicros)]
  if (earned >= 2n * spent) return 150
  if (2n * earned >= 3n * spent) return 120
  if (5n * earned <= spent) return 50
  return 2n * earned <= spent ? 80 : 100
}

export type Limits = { dailyMicros: number; perActionMicros: number }

const bounds = {
  dailyMicros: { least: 10_000_000, most: 500_000_000 },
  perActionMicros: { least: 1_000_000, most: 100_000_000 },
} as const

/** The limits after a window, within $10 to $500 a day and $1 to $100 an action. A limit that a person set beyond these stays. */
export const scaled = ({ dailyMicros, perActionMicros }: Limits, factorPercent: number): Limits => ({
  dailyMicros: scaledWithin(bounds.dailyMicros, dailyMicros, factorPercent),
  perActionMicros: scaledWithin(bounds.perActionMicros, perActionMicros, factorPercent),
})

const scaledWithin = (
  { least, most }: { least: number; most: number },
  limitMicros: number,
  factorPercent: number,
): number =>
  limitMicros < least || limitMicros > most
    ? limitMicros
    : Math.min(most, Math.max(least, Math.round((limitMicros * factorPercent) / 100)))
