import type { BudgetTerms } from './standing.ts'

type MeterProps = {
  spentMicros: number
  reservedMicros: number
  /** What will be spent at the end of the day; 0: nothing is said about it. */
  forecastMicros?: number
  terms: BudgetTerms
}

/** The shares of a day's budget that are spent, reserved and forecast, with a mark at the soft limit. */
export function Meter({ spentMicros, reservedMicros, forecastMicros = 0, terms }: MeterProps) {
  const { dailyMicros, softPercent } = terms
  const share = (micros: number): number => (dailyMicros === 0 ? 100 : Math.min(100, (micros / dailyMicros) * 100))
  const spent = share(spentMicros)
  return (
    <svg
      class={`meter ${spent >= softPercent ? 'high' : ''}`}
      viewBox="0 0 100 8"
      preserveAspectRatio="none"
      role="img"
      aria-label={`${Math.round(spent)} % spent, soft limit at ${softPercent} %`}
    >
      <rect class="whole" width="100" height="8" />
      <rect class="ahead" width={share(forecastMicros)} height="8" />
      <rect class="held" width={share(spentMicros + reservedMicros)} height="8" />
      <rect class="used" width={spent} height="8" />
      <rect class="mark" x={softPercent} width="1" height="8" />
    </svg>
  )
}
