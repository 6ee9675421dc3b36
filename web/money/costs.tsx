import { computed } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import type { Loaded } from '../loaded.ts'
import { minute } from '../shell/minute.ts'
import { dollars, roundDollars } from '../shell/money.ts'
import { hueOf } from '../shell/members.ts'
import { budgets } from '../shell/standing.ts'
import { moment } from '../shell/times.ts'
import { timeZone } from './cost-query.ts'
import { columnsOf, groupings, groupsOf, labelOf, type Columns, type CostRow, type Grouping } from './cost-rows.ts'
import { CostTable } from './cost-table.tsx'
import { canZoomOut, costs, grouping, period, recent, show, zoomIn, zoomOut } from './figures.ts'
import { forecastOf, spentBy } from './forecast.ts'
import { bucketOf, presets, type Period, type Preset } from './period.ts'
import type { Outlook } from './draw-plot.ts'
import { Plot } from './plot.tsx'

/** What model calls have cost in the period of the page, over time and in all, grouped as the person chooses. */
export function Costs() {
  const [of, by] = [period.value, grouping.value]
  const bucket = bucketOf(of)
  const title = `Cost per ${bucket}, by ${by}`
  return (
    <section class="card panel" aria-label="Costs">
      <header>
        <h2>{title}</h2>
        <div class="controls">
          <Presets shown={of} by={by} />
          <label class="small quiet">
            by{' '}
            <select value={by} onChange={({ currentTarget: { value } }) => choose(of, value)}>
              {groupings.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>
        </div>
      </header>
      <p class="small quiet span">
        {of.preset === null ? `${moment(of.fromMs)} – ${moment(of.toMs)}, ` : ''}times of {timeZone}
        {canZoomOut.value ? (
          <button class="link" type="button" onClick={zoomOut}>
            Zoom out
          </button>
        ) : null}
      </p>
      <Figures loaded={costs.value} of={of} by={by} title={title} />
    </section>
  )
}

/** How the day of the council goes on, as its budget's forecast says. */
const outlook = computed<Outlook | null>(() => {
  const nowMs = minute.value
  if (budgets.value.state !== 'there' || recent.value.state !== 'there') return null
  const today = budgets.value.value.find(
    ({ scope, closesAt }) => scope === 'council' && closesAt !== null && Date.parse(closesAt) > nowMs,
  )
  const forecast = today && forecastOf(today, spentBy('council', recent.value.value), nowMs)
  if (!today || !forecast) return null
  const untilMs = Date.parse(today.closesAt ?? '')
  const zone = today.terms?.timeZone ?? 'UTC'
  const perHourMicros = ((forecast.totalMicros - today.spentMicros) / (untilMs - nowMs)) * 3_600_000
  return {
    nowMs,
    untilMs,
    perHourMicros,
    text: `now · forecast ${roundDollars(forecast.totalMicros)} by midnight ${zone}`,
  }
})

function choose(of: Period, value: string): void {
  const chosen = groupings.find((one) => one === value)
  if (chosen) show(of, chosen)
}

function Presets({ shown, by }: { shown: Period; by: Grouping }) {
  const names = Object.keys(presets) as Preset[]
  return (
    <span class="choice" role="group" aria-label="Period">
      {names.map((preset) => (
        <button
          key={preset}
          class="button"
          type="button"
          aria-pressed={shown.preset === preset}
          onClick={() => show({ ...shown, preset }, by)}
        >
          {presets[preset]}
        </button>
      ))}
    </span>
  )
}

type FiguresProps = { loaded: Loaded<readonly CostRow[]>; of: Period; by: Grouping; title: string }

function Figures({ loaded, of, by, title }: FiguresProps) {
  const rows = loaded.state === 'there' ? loaded.value : null
  const { fromMs, toMs } = of
  const bucket = bucketOf(of)
  const columns = useMemo(
    () => (rows === null ? null : columnsOf(rows, { by, bucket, span: { fromMs, toMs } })),
    [rows, by, bucket, fromMs, toMs],
  )
  if (loaded.state === 'failed') return <p class="bad small">{loaded.why}</p>
  if (rows === null || columns === null) return <div class="plot-place quiet small">Loading…</div>
  if (rows.length === 0) return <p class="quiet small">No model was called in this time.</p>
  const hues = huesOf(columns, by)
  return (
    <>
      <Plot
        columns={columns}
        bucket={bucket}
        span={of}
        hues={hues}
        label={title}
        outlook={outlook.value}
        onZoom={zoomIn}
        onBack={zoomOut}
      />
      <CostTable
        span={of}
        groups={groupsOf(rows, by)}
        by={by}
        hueOfGroup={(index) => hues[Math.min(index, hues.length - 1)] ?? ''}
      />
      <ByTime columns={columns} />
    </>
  )
}

/** A member keeps its hue wherever it appears; other groups take the hues in their order, and what is left over is grey. */
const huesOf = ({ parts }: Columns, by: Grouping): string[] =>
  parts.map(({ name, label }, index) => {
    if (name === null && label !== labelOf(null)) return 'hue-none'
    return by === 'member' ? hueOf(name) : `hue-${(index % 6) + 1}`
  })

/** The figures of the plot. */
function ByTime({ columns: { startsMs, parts } }: { columns: Columns }) {
  const columns = startsMs.map((start, index) => ({
    start,
    micros: parts.map(({ valuesMicros }) => valuesMicros[index] ?? 0),
  }))
  return (
    <details class="by-time">
      <summary class="small">The plot in figures</summary>
      <div class="scrolls" tabIndex={0} role="region" aria-label="costs over time">
        <table>
          <thead>
            <tr>
              <th scope="col">from</th>
              {parts.map(({ label }) => (
                <th key={label} scope="col">
                  {label}
                </th>
              ))}
              <th scope="col">in all</th>
            </tr>
          </thead>
          <tbody>
            {columns
              .filter(({ micros }) => micros.some((cost) => cost > 0))
              .map(({ start, micros }) => (
                <tr key={start}>
                  <th scope="row">{moment(start)}</th>
                  {micros.map((cost, index) => (
                    <td key={index}>{dollars(cost)}</td>
                  ))}
                  <td>{dollars(micros.reduce((sum, cost) => sum + cost, 0))}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}
